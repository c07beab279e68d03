"""What a newcomer does next: a configuration without data is valid, and nothing comes of it."""

from __future__ import annotations

from automl_plan.config.configuration import Configuration


def first_step(configuration: Configuration) -> str | None:
    """What is to be done before the first plan; None once anything is recorded.

    A dataset that is adopted needs no sources.
    """
    desired = configuration.desired
    adopted = {adoption.address for adoption in desired.adoptions}
    without = sorted(
        address
        for address, dataset in desired.datasets.items()
        if not dataset.sources and address not in adopted
    )
    if not without or configuration.state_path.exists():
        return None
    address = without[0]
    place = configuration.position(address)
    where = f" ({place.file}:{place.line})" if place is not None else ""
    return (
        f"{address} has no images yet. Put them into data/, write data/{address.name}.csv (a line "
        f"for each image, such as TRAIN,data/1.jpg,cat) and `sources: [data/{address.name}.csv]` "
        f"there{where}; then run `automl-plan plan`."
    )
