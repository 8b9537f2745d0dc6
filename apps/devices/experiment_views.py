"""Experiments over HTTP: named sets of devices, read by everyone, kept by those who made them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.mixins import CreateModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.api.permissions import OwnerToWrite
from apps.api.texts import OptionalText
from apps.api.times import OptionalTime
from apps.api.views import ApiViewSet, Destroys, Lists
from apps.devices.models import Device, Experiment

MOST_DEVICES = 1000
BIGGEST_ID = 2**63 - 1


class DeviceIds(serializers.ListField):
    """Ids of devices: a list, or what a form has in its place (`1,2`, or blank for none)."""

    child = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)

    def to_internal_value(self, data: Any) -> list[int]:
        """The ids, each once."""
        listed = data.split(",") if isinstance(data, str) else data
        if isinstance(listed, list):
            listed = [each for each in listed if not (isinstance(each, str) and not each.strip())]
            if len(listed) > MOST_DEVICES:
                raise serializers.ValidationError(
                    f"are too many (maximum is {MOST_DEVICES} devices)"
                )
        return list(dict.fromkeys(super().to_internal_value(listed)))


class ExperimentSerializer(serializers.Serializer[Experiment]):
    """What a client says of an experiment; all other fields are ignored, `active` among them.

    Left out on PATCH, a field stays as it is; `device_ids` are all its devices from then on.
    """

    name = serializers.CharField(max_length=200)
    description = OptionalText()
    is_test = serializers.BooleanField(required=False)
    starts_at = OptionalTime()
    ends_at = OptionalTime()
    device_ids = DeviceIds(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The end is not before the start, and the devices are there, with what it has already."""
        starts_at, ends_at = (
            attrs[name] if name in attrs else getattr(self.instance, name, None)
            for name in ("starts_at", "ends_at")
        )
        if starts_at and ends_at and ends_at < starts_at:
            raise serializers.ValidationError({"ends_at": "is before starts_at"})
        if "device_ids" in attrs:
            attrs["devices"] = self._devices(attrs.pop("device_ids") or [])
        return attrs

    def _devices(self, ids: list[int]) -> list[Device]:
        """The devices, each public or of the experiment's owner.

        A private one of somebody else is answered like one that is not there.
        """
        owner = self.instance.owner_id if self.instance else self.context["request"].user.pk
        allowed = Device.objects.active().filter(Q(is_private=False) | Q(owner_id=owner))
        devices = list(allowed.filter(pk__in=ids).only("pk"))
        if missing := set(ids) - {device.pk for device in devices}:
            listed = ", ".join(map(str, sorted(missing)))
            raise serializers.ValidationError(
                {"device_ids": f"must exist, and be public or the owner's (ids: {listed})"}
            )
        return devices

    def create(self, validated_data: dict[str, Any]) -> Experiment:
        """Begin the experiment."""
        return self._shown(Experiment.objects.begin(**validated_data))

    def update(self, instance: Experiment, validated_data: dict[str, Any]) -> Experiment:
        """Change what was sent and nothing else."""
        instance.change(**validated_data)
        return self._shown(instance)

    def to_representation(self, instance: Experiment) -> dict[str, Any]:
        """An experiment that was fetched `with_device_ids` (contract: shapes)."""
        return {
            "id": instance.pk,
            "name": instance.name,
            "description": instance.description,
            "owner_id": instance.owner_id,
            "active": instance.is_active(timezone.now()),
            "is_test": instance.is_test,
            "starts_at": instance.starts_at,
            "ends_at": instance.ends_at,
            "device_ids": instance.device_ids,
            "created_at": instance.created_at,
            "updated_at": instance.updated_at,
        }

    def _shown(self, experiment: Experiment) -> Experiment:
        """The experiment as it now is, with those of its devices that the viewer may see."""
        devices = Device.objects.visible_to(self.context["request"].user)
        return Experiment.objects.with_device_ids(devices).get(pk=experiment.pk)


class ExperimentViewSet(
    Lists,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    Destroys,
    ApiViewSet,
):
    """`/v0/experiments` and `/v0/experiments/:id` (contract: Also served)."""

    serializer_class = ExperimentSerializer
    permission_classes = [OwnerToWrite]
    queryset = Experiment.objects.all()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Experiment]:
        """Experiments, with those of their devices that the viewer may see.

        Who changes one holds it, so that two at once cannot set its end before its start.
        """
        experiments = Experiment.objects.active()
        if self.request.method not in SAFE_METHODS:
            return experiments.select_for_update(of=("self",))
        return experiments.with_device_ids(Device.objects.visible_to(self.request.user))

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Check and change in one transaction, as `get_queryset` needs."""
        return super().update(request, *args, **kwargs)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """As `update`; its devices stay."""
        return super().destroy(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[Experiment]) -> None:
        """The experiment belongs to whoever begins it."""
        serializer.save(owner=self.request.user)
