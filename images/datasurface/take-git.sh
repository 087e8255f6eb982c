#!/bin/sh
# take-git.sh FOLDER: copies what serving and reading local repositories needs of an installed git below FOLDER.
set -eu
to=$1

install -D /usr/bin/git "$to/usr/bin/git"
install -D /usr/lib/git-core/git-http-backend "$to/usr/lib/git-core/git-http-backend"
for name in git git-receive-pack git-upload-pack git-upload-archive; do
  ln -s ../../bin/git "$to/usr/lib/git-core/$name"
done
for name in git-receive-pack git-upload-pack git-upload-archive; do
  ln -s git "$to/usr/bin/$name"
done
install -D -m 644 /usr/share/doc/git/copyright "$to/usr/share/doc/git/copyright" || true
install -d "$to/usr/share/git-core/templates/hooks" "$to/usr/share/git-core/templates/info"
# One file of one package is how an image without a package manager's history tells scanners what is inside.
install -d "$to/var/lib/dpkg/status.d"
dpkg-query -s git >"$to/var/lib/dpkg/status.d/git"

# git distrusts a repository that belongs to another user, as those on mounted volumes do, unless it is told that nobody else
# can have put one here.
install -d "$to/etc"
git config --file "$to/etc/gitconfig" safe.directory '*'
