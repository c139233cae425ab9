"""What only the installation knows: whether classes, parameters and packages that it needs exist."""

from __future__ import annotations

from admf_ray.config.analysis import ExperimentConfig
from admf_ray.config.components import ComponentConfig, check_component, check_stack, class_named
from admf_ray.config.schema import PipelineConfig
from admf_ray.config.validation import TestStrategyConfig
from admf_ray.errors import ConfigError, closest
from admf_ray.space.tpe import require_optuna

__all__ = ["check_pipeline"]

COMPONENTS = "phase_1_mining.container_components"


def check_pipeline(config: PipelineConfig) -> None:
    """Check every component that a pipeline names.

    Raises
    ------
    ConfigError
        The first that is unknown, of a wrong kind, has wrong parameters or needs a package that is not
        there, with its line.
    """
    try:
        if config.phase_1_mining.parameter_search.method == "optuna":
            require_optuna("phase_1_mining.parameter_search.method")
        check_stack(config.phase_1_mining.container_components, COMPONENTS)
        for k, experiment in enumerate(
            config.phase_2_analysis.experiments if config.phase_2_analysis else ()
        ):
            _check_experiment(config, experiment, f"phase_2_analysis.experiments[{k}]")
        for k, strategy in enumerate(config.phase_3_test.test_strategies if config.phase_3_test else ()):
            _check_test_strategy(strategy, f"phase_3_test.test_strategies[{k}]")
    except ConfigError as error:
        path, _, text = str(error).partition(": ")
        raise ConfigError(f"{config.place(path)}: {text}") from None


def _check_experiment(config: PipelineConfig, experiment: ExperimentConfig, where: str) -> None:
    class_named(experiment.base_strategy, f"{where}.base_strategy", "strategy")
    changes = experiment.modifications
    for k, component in enumerate(changes.add_filter):
        _check_item(component, f"{where}.modifications.add_filter", k, len(changes.add_filter), "filter")
    for k, component in enumerate(changes.replace_components):
        place = f"{where}.modifications.replace_components"
        kind = _check_item(component, place, k, len(changes.replace_components))
        if kind not in ("risk_manager", "broker", "portfolio"):
            raise ConfigError(
                f"{place}: must be a risk manager, broker or portfolio, found a {kind}; move it"
            )
    names = [one.name for one in config.phase_1_mining.container_components]
    for name in changes.remove_components:
        if name not in names:
            hint = closest(name, names) or f"; known: {', '.join(names) or 'none'}"
            raise ConfigError(
                f"{where}.modifications.remove_components: no component of that name, found '{name}'{hint}"
            )
        kind = config.phase_1_mining.container_components[names.index(name)].kind
        if kind in ("strategy", "data_handler"):
            raise ConfigError(
                f"{where}.modifications.remove_components: a container cannot be without its {kind}, "
                f"found '{name}'; name another"
            )


def _check_item(component: ComponentConfig, where: str, k: int, n: int, only: str | None = None) -> str:
    # a single item is written without a list, so its keys stand right below
    return check_component(component, where if n == 1 else f"{where}[{k}]", only)


def _check_test_strategy(strategy: TestStrategyConfig, where: str) -> None:
    for k, component in enumerate(strategy.add_components):
        check_component(component, f"{where}.add_components[{k}]", "filter")
    if strategy.strategy is not None:
        class_named(strategy.strategy, f"{where}.strategy", "strategy")
    for k, name in enumerate(strategy.members):
        class_named(name, f"{where}.members[{k}]", "strategy")
