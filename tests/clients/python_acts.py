"""What researchers do with the Python clients, run by the clients' own environment.

`API_URL` and `SC_BEARER` say where and who, as the clients read them when they are imported;
`WORLD` is what the test has put there, as JSON. Prints one line of JSON for each act.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pandas
import scdata
import smartcitizen_connector
from smartcitizen_connector import (
    ExperimentHandler,
    SCDevice,
    SensorHandler,
    UserHandler,
    get_experiments,
    get_measurements,
    get_sensors,
    get_users,
    get_world_map,
    global_search,
    search_by_query,
)
from smartcitizen_connector.device.device import get_devices
from smartcitizen_connector.models import Experiment, Postprocessing

WORLD: dict[str, Any] = json.loads(os.environ["WORLD"])
START = datetime.fromisoformat(WORLD["start"])
DEVICE, SILENT, MINUTES = WORLD["device"], WORLD["silent"], WORLD["minutes"]
TEMPERATURE, HUMIDITY = WORLD["sensors"]
CONNECTOR = f"smartcitizen-connector {smartcitizen_connector.__version__}"
SCDATA = f"scdata {scdata.__version__}"


def load_a_device() -> None:
    """A device of one's own, with all its parts."""
    device = SCDevice(DEVICE)
    assert device.json.name == "Roof"
    assert device.timezone == "Europe/Madrid"
    assert device.json.owner.username == "alice"
    assert {sensor.id for sensor in device.json.data.sensors} >= {TEMPERATURE["id"]}
    assert device.json.data.sensors[0].measurement.name
    assert device.last_status_message.hw_ver == "2.1"
    assert device.data_policy.is_private is False


def load_a_silent_device_of_another() -> None:
    """A device that never published and is a stranger's."""
    device = SCDevice(SILENT)
    assert device.json.state == "never_published"
    assert device.last_status_message is None
    assert asyncio.run(device.get_data()) is None


def frame(frequency: str, **options: Any) -> Any:
    """The readings of the device as a frame."""
    device = SCDevice(DEVICE)
    assert asyncio.run(device.get_data(frequency=frequency, **options))
    assert device.failed_sensors == []
    return device.data


def readings_by_the_minute() -> None:
    """Every reading, exactly, in local time."""
    data = frame("1Min")
    values = data[TEMPERATURE["name"]]
    assert len(values) == MINUTES, len(values)
    assert list(values) == [float(minute) for minute in range(MINUTES)]
    assert str(data.index.tz) == "Europe/Madrid"
    assert data.index[0] == START


def readings_by_the_hour() -> None:
    """Averages of hours."""
    values = frame("1H")[TEMPERATURE["name"]]
    assert list(values) == [60 * hour + 29.5 for hour in range(MINUTES // 60)]


def readings_by_the_day_resampled() -> None:
    """Averages of days, resampled by pandas once more."""
    data = frame("1D", resample=True)
    assert data[TEMPERATURE["name"]].notna().sum() >= MINUTES // 1440


def readings_between_two_dates() -> None:
    """A range, both ends given in the client's own way, with an offset."""
    first, last = START + timedelta(hours=3), START + timedelta(hours=5)
    data = frame("10Min", min_date=first.isoformat(), max_date=last.isoformat())
    assert (data.index[0], data.index[-1]) == (first, last - timedelta(minutes=10))
    assert len(data) == 12
    only = frame("1Min", min_date=first, max_date=last, channels=[HUMIDITY["name"]])
    assert list(only.columns) == [HUMIDITY["name"]]


def world_map() -> None:
    """The world map."""
    shown = {device.id: device for device in get_world_map()}
    assert shown[DEVICE].location.latitude == 41.4
    assert WORLD["private"] not in shown


def search_devices() -> None:
    """Matchers, null, not_null, and an order, over several pages."""
    found = search_by_query(
        "devices",
        [{"key": "name", "search_matcher": "cont", "value": "balcony"}],
        order="name desc",
        per_page=10,
    )
    assert len(found) == found.attrs["total"] == WORLD["balconies"], len(found)
    silent = search_by_query("devices", [{"key": "last_reading_at", "value": "null"}])
    heard = search_by_query(
        "devices",
        [
            {"key": "last_reading_at", "value": "not_null"},
            {"key": "city", "search_matcher": "eq", "value": "Barcelona"},
        ],
    )
    assert SILENT in silent.index
    assert list(heard.index) == [DEVICE]


def search_users_and_experiments() -> None:
    """The other lists that are searched."""
    found = search_by_query(
        "users", [{"key": "username", "search_matcher": "start", "value": "AL"}]
    )
    assert list(found["username"]) == ["alice"]
    named = search_by_query(
        "experiments", [{"key": "name", "search_matcher": "eq", "value": "noise"}]
    )
    assert list(named["name"]) == ["Noise"]
    assert (
        search_by_query("users", [{"key": "username", "search_matcher": "eq", "value": "x"}])
        is None
    )


def global_search_finds() -> None:
    """Users and devices together."""
    assert DEVICE in global_search("roof").index


def lists_over_several_pages() -> None:
    """Sensors, measurements, devices and experiments, whole."""
    assert {TEMPERATURE["id"], HUMIDITY["id"]} <= {sensor.id for sensor in get_sensors()}
    assert len(get_measurements()) == WORLD["measurements"]
    assert len(get_devices()) == WORLD["balconies"] + 1
    assert "Noise" in {experiment.name for experiment in get_experiments()}


def one_of_each() -> None:
    """A sensor, a user by name and by id."""
    assert SensorHandler(TEMPERATURE["id"]).model.name == TEMPERATURE["name"]
    carol = UserHandler(name="carol")
    assert UserHandler(id=carol.model.id).model.uuid == carol.model.uuid


def users_that_have_devices() -> None:
    """All users."""
    get_users()


def post_readings_and_find_them() -> None:
    """Readings of another device, posted back from a frame, and found again."""
    device = SCDevice(WORLD["target"])
    index = pandas.date_range(START, periods=700, freq="1min", name="TIME")
    device.data = pandas.DataFrame(
        {TEMPERATURE["name"]: [n + 0.5 for n in range(700)]}, index=index
    )
    assert asyncio.run(device.post_data(columns=[TEMPERATURE["name"]]))
    assert device.posted[TEMPERATURE["name"]]["readings"] == 700
    found = SCDevice(WORLD["target"])
    assert asyncio.run(found.get_data(frequency="1Min"))
    assert list(found.data[TEMPERATURE["name"]]) == [n + 0.5 for n in range(700)]


def create_an_experiment() -> None:
    """An experiment of one's own, as the client's README says."""
    ExperimentHandler(name="Summer", is_test=False, device_ids=[DEVICE]).post()


def change_and_delete_an_experiment() -> None:
    """Another name for it, and its end; it is made of the client's own model and headers."""
    handler = ExperimentHandler(WORLD["experiment"])
    handler.model = Experiment(name="Summer", is_test=False, device_ids=[DEVICE])
    mine = ExperimentHandler(handler.post().json()["id"])
    assert (mine.model.name, mine.model.device_ids) == ("Summer", [DEVICE])
    mine.model.name = "Autumn"
    mine.patch({"name"})
    again = ExperimentHandler(mine.model.id)
    assert (again.model.name, again.model.device_ids) == ("Autumn", [DEVICE])
    again.delete()
    assert "Autumn" not in {experiment.name for experiment in get_experiments()}


def patch_postprocessing() -> None:
    """When a device was processed last."""
    device = SCDevice(DEVICE, check_postprocessing=False)
    device.json.postprocessing = device.json.postprocessing or Postprocessing()
    device.json.postprocessing.hardware_url = (
        os.environ["BASE_POSTPROCESSING_URL"] + "hardware/1.json"
    )
    assert device.update_latest_postprocessing(pandas.Timestamp(START))
    assert device.patch_postprocessing()
    again = SCDevice(DEVICE, check_postprocessing=False)
    assert again.latest_postprocessing == START


def load_and_process() -> None:
    """scdata: a device by its blueprint, its readings renamed, and a channel made of them."""
    device = scdata.Device(
        params={"id": DEVICE},
        blueprint="sc_air",
        override_url_blueprint=True,
        options=scdata.DeviceOptions(frequency="1Min"),
    )
    asyncio.run(device.load())
    assert list(device.data["TEMP"]) == [float(minute) for minute in range(MINUTES)]
    assert device.process()
    assert device.data["TEMP_AVG"].iloc[-1] == MINUTES - 3
    device.options.min_date = (START + timedelta(hours=1)).isoformat()


def post_what_was_processed() -> None:
    """scdata: readings go back through it."""
    device = scdata.Device(
        params={"id": DEVICE},
        blueprint="sc_air",
        override_url_blueprint=True,
        options=scdata.DeviceOptions(frequency="1H"),
    )
    asyncio.run(device.load())
    assert asyncio.run(device.post(columns="sensors", dry_run=False))


ACTS: tuple[tuple[str, Callable[[], None]], ...] = (
    (CONNECTOR, load_a_device),
    (CONNECTOR, load_a_silent_device_of_another),
    (CONNECTOR, readings_by_the_minute),
    (CONNECTOR, readings_by_the_hour),
    (CONNECTOR, readings_by_the_day_resampled),
    (CONNECTOR, readings_between_two_dates),
    (CONNECTOR, world_map),
    (CONNECTOR, search_devices),
    (CONNECTOR, search_users_and_experiments),
    (CONNECTOR, global_search_finds),
    (CONNECTOR, lists_over_several_pages),
    (CONNECTOR, one_of_each),
    (CONNECTOR, change_and_delete_an_experiment),
    (CONNECTOR, patch_postprocessing),
    (CONNECTOR, post_readings_and_find_them),
    (SCDATA, load_and_process),
    (SCDATA, post_what_was_processed),
    # These fail in the client
    (CONNECTOR, users_that_have_devices),
    (CONNECTOR, create_an_experiment),
)


def main() -> None:
    """Do them all, whatever becomes of one."""
    for client, act in ACTS:
        problem = ""
        try:
            act()
        except Exception:
            problem = traceback.format_exc()
        line = {"client": client, "act": act.__name__.replace("_", " "), "problem": problem}
        print(f"ACT {json.dumps(line)}", flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
