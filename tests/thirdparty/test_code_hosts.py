"""Code is fetched with git from repositories on this machine."""

from __future__ import annotations

import anyio
import pytest
from prefect_bitbucket import BitBucketCredentials, BitBucketRepository
from prefect_github import GitHubCredentials, GitHubRepository
from prefect_gitlab import GitLabCredentials, GitLabRepository

from prefect.blocks.core import Block


def blocks():
    github, gitlab = GitHubCredentials(token="sesame"), GitLabCredentials(token="sesame")
    bitbucket = BitBucketCredentials(token="sesame", username="x-token-auth")
    return {
        "github": GitHubRepository(repository_url="https://github.com/team/project.git", credentials=github),
        "gitlab": GitLabRepository(repository="https://gitlab.com/team/project.git", credentials=gitlab),
        "bitbucket": BitBucketRepository(
            repository="https://bitbucket.org/team/project.git", bitbucket_credentials=bitbucket
        ),
    }


@pytest.mark.parametrize("host", ["github", "gitlab", "bitbucket"])
def test_a_saved_repository_is_fetched(repository, tmp_path, host):
    blocks()[host].save("code", overwrite=True)
    Block.load(f"{host}-repository/code").get_directory(from_path="flows", local_path=str(tmp_path / "here"))
    assert [path.name for path in (tmp_path / "here").rglob("*.py")] == ["etl.py"]


@pytest.mark.parametrize("host", ["github", "gitlab", "bitbucket"])
def test_from_async_code_too(repository, tmp_path, host):
    async def fetch():
        await blocks()[host].get_directory(local_path=str(tmp_path / "here"))

    anyio.run(fetch)
    assert (tmp_path / "here" / "README.md").read_text() == "# Project\n"


@pytest.mark.parametrize("host", ["github", "gitlab", "bitbucket"])
def test_what_cannot_be_fetched_is_said_without_the_token(repository, tmp_path, host):
    block = blocks()[host]
    field = "repository_url" if host == "github" else "repository"
    missing = block.model_copy(update={field: getattr(block, field).replace("project", "missing")})
    with pytest.raises(Exception, match="Failed to pull|fatal") as caught:
        missing.get_directory(local_path=str(tmp_path / "here"))
    assert "sesame" not in str(caught.value)


def test_gitlab_is_asked_over_http(http_service):
    http_service.answer = b'{"id": 7, "name": "project"}'
    client = GitLabCredentials(token="sesame", url=f"http://127.0.0.1:{http_service.port}").get_client()
    assert client.projects.get(7).name == "project"
    assert http_service.requests[-1][1].startswith("/api/v4/projects/7")
