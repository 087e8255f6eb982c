#!/bin/sh
# The last step of both images, as root: nothing in them can install anything, and the standard library, which the official
# Python images ship as source alone, is compiled, so that no start on a read-only file system compiles it again.
set -eu

python=/usr/local/bin/python3
standard_library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')

for package in pip setuptools wheel; do
  "$python" - "$package" <<'END'
import importlib.metadata, importlib.util, pathlib, shutil, sys

spec = importlib.util.find_spec(sys.argv[1])
if spec is not None and spec.origin is not None:
    package = pathlib.Path(spec.origin).parent
    for folder in [package, *package.parent.glob(sys.argv[1] + "-*-info")]:
        shutil.rmtree(folder)
END
done
rm -rf "$standard_library/ensurepip" /usr/share/python-wheels
rm -f /usr/local/bin/pip* /usr/bin/pip*

"$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
  -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo|site-packages|dist-packages)/' "$standard_library"
