"""Result storages."""

from prefect.filesystems import LocalFileSystem, WritableFileSystem


def storage_of_url(url: str) -> WritableFileSystem:
    """
    Make the storage that a URL means. Replace it by what keeps things on {{ cookiecutter.name }}.

    Args:
        url: `{{ cookiecutter.__plugin }}://` and a folder.
    """
    return LocalFileSystem(basepath=url.partition("://")[2])
