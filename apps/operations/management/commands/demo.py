"""`manage.py demo`: fills a platform with plausible owners, kits and readings, to try it out."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from apps.operations import catalogue, demo


class Command(BaseCommand):
    """Adds demo devices beside what is there; readings go through the real ingest."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """How much of it."""
        parser.add_argument("--devices", type=int, default=60, help="how many (60)")
        parser.add_argument("--owners", type=int, help="how many (a third of the devices)")
        parser.add_argument("--days", type=float, default=30, help="of readings until now (30)")
        parser.add_argument("--every", type=float, default=10, help="minutes between posts (10)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same places")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, with a progress bar."""
        if options["devices"] < 1 or options["days"] < 0 or options["every"] <= 0:
            raise CommandError("--devices and --every have to be above 0, --days not below it")
        if catalogue.is_empty():
            raise CommandError("there are no sensors yet: run `manage.py catalogue` first")
        plan = demo.Plan(
            devices=options["devices"],
            owners=options["owners"] or max(1, options["devices"] // 3),
            days=options["days"],
            every=timedelta(minutes=options["every"]),
            seed=options["seed"],
        )
        with tqdm(total=plan.devices, desc="demo devices", unit="") as bar:
            demo.make(plan, bar.update)
