"""Values of the way of a model: its repository, the sync that applies it, and the loader that runs eco.py."""

from pydantic import Field

from datasurface.chart.values.kinds import Branch, OptionalGitUrl, OptionalLogin, OptionalSecretName, Values
from datasurface.chart.values.pods import ForeignImage, Resources, Storage, resources


class ModelRepo(Values):
    """The embedded repository."""

    enabled: bool = Field(
        True,
        description="Whether the release brings a git repository for the model, seeded once with the model of the "
        "chart. If false, `modelSync.git.url` has to name one.",
    )
    storage: Storage = Field(Storage(size="1Gi"), description="Volume of the embedded repository.")
    existing_secret: OptionalSecretName = Field(
        "",
        description="Secret with the keys `username` and `password` of whoever pushes. An empty name makes one with a "
        "generated password.",
    )
    resources: Resources = Field(
        resources("25m", "64Mi", limit="256Mi"), description="Resources of the embedded repository."
    )


class Git(Values):
    """Where the model is."""

    url: OptionalGitUrl = Field(
        "", description="Repository of the model, by http or https, if `modelRepo.enabled` is false."
    )
    branch: Branch = Field("main", description="Branch whose commits become true.")
    username: OptionalLogin = Field("", description="Login at the site's own git host.")
    existing_secret: OptionalSecretName = Field(
        "", description="Secret with the key `password`, or a token under that key, for the site's own git host."
    )


class GitSync(Values):
    """The container that fetches commits."""

    image: ForeignImage = Field(
        ForeignImage(repository="registry.k8s.io/git-sync/git-sync", tag="v4.4.2"), description="Image of git-sync."
    )


class ModelSyncResources(Values):
    """Resources of each container."""

    git_sync: Resources = Field(resources("10m", "32Mi", limit="128Mi"), description="Resources of git-sync.")
    watch: Resources = Field(
        resources("25m", "128Mi", limit="512Mi"), description="Resources of the container that applies commits."
    )


class ModelSync(Values):
    """Fetches commits and makes them true."""

    git: Git = Field(Git(), description="Where the model is.")
    git_sync: GitSync = Field(GitSync(), description="The container that fetches commits.")
    period_seconds: int = Field(3, ge=1, le=3600, description="Seconds between two looks at the repository.")
    wait_seconds: int = Field(
        30,
        ge=1,
        le=3600,
        description="Seconds for which a commit waits for running batches of the streams it changes, before it is "
        "tried again later.",
    )
    resources: ModelSyncResources = Field(ModelSyncResources(), description="Resources of its containers.")


class ModelLoader(Values):
    """Runs eco.py apart from everything else."""

    resources: Resources = Field(
        resources("25m", "128Mi", limit="512Mi"),
        description="Resources of the pod that runs eco.py. Large models need more memory.",
    )
