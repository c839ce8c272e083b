"""Many requests at once to an HTTP server, from an async flow; some answers come late, some fail and are asked for again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact


class Cities(BaseHTTPRequestHandler):
    """Temperatures of made-up cities. Every fifth one needs a second request."""

    asked: Counter[int] = Counter()

    def do_GET(self) -> None:
        number = int(self.path.rpartition("/")[2])
        self.asked[number] += 1
        failing = number % 5 == 0 and self.asked[number] == 1
        body = json.dumps({"city": f"city-{number}", "celsius": (number * 7) % 35}).encode()
        self.send_response(503 if failing else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class CityServer(ThreadingHTTPServer):
    """A server that lets many wait to be connected: the standard library's would let five."""

    request_queue_size = 128


@contextmanager
def city_server() -> Iterator[str]:
    """A server on this machine, and its address."""
    server = CityServer(("127.0.0.1", 0), Cities)
    Cities.asked.clear()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@task(retries=2, retry_delay_seconds=0.05, timeout_seconds=10, task_run_name="fetch-{number}")
async def fetch(client: httpx.AsyncClient, url: str, number: int) -> dict[str, object]:
    """One city's temperature."""
    response = await client.get(f"{url}/cities/{number}")
    response.raise_for_status()
    return response.json()


@task
async def warmest(readings: list[dict[str, object]]) -> dict[str, object]:
    """The reading with the highest temperature."""
    return max(readings, key=lambda reading: float(str(reading["celsius"])))


@flow(name="async-http")
async def temperatures(url: str, cities: int = 40) -> str:
    """Fetch all cities' temperatures at once, and report the warmest."""
    async with httpx.AsyncClient() as client:
        readings = await asyncio.gather(*(fetch(client, url, number) for number in range(cities)))
    top = await warmest(list(readings))
    await acreate_markdown_artifact(key="warmest-city", markdown=f"# {top['city']}\n\n{top['celsius']} °C")
    get_run_logger().info("The warmest of %s cities is %s.", cities, top["city"])
    return str(top["city"])


if __name__ == "__main__":
    with city_server() as address:
        asyncio.run(temperatures(address))
