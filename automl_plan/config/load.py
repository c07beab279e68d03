"""A directory of YAML → Configuration, or all that is wrong with it.

Read each file, merge the sections, give variables their values and fill them in, check the
shape of each entry, apply the named rules, build. A step looks only at what came sound out of
the steps before: one mistake is reported once, and hides no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from automl_plan.config import build, lifecycle_rules, notify_rules, resource_rules, variables
from automl_plan.config.configuration import Configuration, ProviderSettings
from automl_plan.config.files import Unreadable, configuration_files, read, shown_name
from automl_plan.config.findings import Finding, KeyPath, quoted
from automl_plan.config.merging import Document, Merger
from automl_plan.config.misnamed import misnamed, none_read
from automl_plan.config.parse_cache import ParseCache
from automl_plan.config.prices import list_prices, read_prices
from automl_plan.config.rule import ResolvedConfig, Rule
from automl_plan.config.schema import SchemaValidator
from automl_plan.config.source_map import SourceMap
from automl_plan.config.variables import Interpolator
from automl_plan.config.yaml_parser import parse
from automl_plan.errors import ConfigurationError, Diagnostic
from automl_plan.model.capabilities import Providers
from automl_plan.model.json import Json
from automl_plan.model.prices import PriceBook

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_NONE: Mapping[str, str] = MappingProxyType({})
RULES: Mapping[str, Rule] = {
    **resource_rules.RULES,
    **lifecycle_rules.RULES,
    **notify_rules.RULES,
}
"""All named rules but those of providers, by id."""
_DEFAULT_PROVIDER = "local"


def load(
    directory: Path,
    providers: Providers,
    *,
    variables: Mapping[str, str] = _NONE,
    var_files: Sequence[Path] = (),
    environ: Mapping[str, str] = _NONE,
) -> Configuration:
    """Read the configuration of a directory.

    Values of variables are taken from `variables` (`--var`), `var_files` (later ones win),
    `AUTOML_PLAN_VAR_name` in `environ`, the declared default, in this order. Raises
    ConfigurationError with every finding, sorted by file, line and column.
    """
    place = Path(os.path.abspath(directory))  # noqa: PTH100 (keeps symbolic links)
    loader = _Loader(place, providers, environ)
    return loader.load(variables, var_files, environ)


class _Loader:
    def __init__(
        self,
        directory: Path,
        providers: Providers,
        environ: Mapping[str, str],
    ) -> None:
        self._directory = directory
        self._providers = providers
        self._definition = providers[_DEFAULT_PROVIDER]
        self._capabilities = self._definition.capabilities({})
        self._diagnostics: list[Diagnostic] = []
        self._found: list[Finding] = []
        self._files: dict[str, Path] = {}
        self._declared: dict[KeyPath, str] = {}
        self._unresolved: dict[KeyPath, set[KeyPath]] = {}
        self._source_map = SourceMap(self._files, self._declared)
        self._broken: set[KeyPath] = set()
        self._faulty: set[KeyPath] = set()
        self._validator = SchemaValidator()
        self._cache = ParseCache(environ, self._validator.digest)
        self._parsed: list[tuple[str, Json]] = []
        """The files that were not in the cache."""
        self._proven: set[str] = set()
        """Files whose entries are known to have their shape."""
        self._refers = False
        """Whether a file refers to variables."""

    def load(
        self,
        from_flags: Mapping[str, str],
        var_files: Sequence[Path],
        environ: Mapping[str, str],
    ) -> Configuration:
        document = self._document(var_files)
        complete = not self._diagnostics
        given = variables.from_environment(document.variables, environ)
        for path in var_files:
            given.update(self._var_file(path))
        given.update(variables.from_command_line(from_flags))

        self._sound_entries("variables", document.variables)
        broken = {name for section, name in self._faulty if section == "variables"}
        interpolator = variables.resolve(
            document.variables,
            broken,
            given,
            self._found,
            complete=complete,
            written=self._source_map.written,
        )
        checked = self._checked(document, interpolator, complete)
        for rule in RULES.values():
            self._found.extend(rule.check(checked))
        self._found.extend(resource_rules.provider_findings(checked, self._providers))
        self._raise_if_anything_was_found()
        for text, value in self._parsed:
            if "${" not in text:  # what stands in place of references may have another shape
                self._cache.put(text, value)
        values = {name: interpolator.known[name] for name in given if name in interpolator.known}
        return self._built(checked, values)

    def _document(self, var_files: Sequence[Path]) -> Document:
        merger = Merger(self._source_map, self._declared)
        try:
            paths = configuration_files(self._directory, var_files)
        except Unreadable as problem:
            found = none_read(problem.diagnostic, self._directory, var_files)
            raise ConfigurationError(found) from problem
        self._diagnostics += misnamed(self._directory, var_files)
        for path in paths:
            file = shown_name(path, self._directory)
            self._found.extend(merger.add(file, self._content(path, file)))
        return merger.document

    def _content(self, path: Path, file: str) -> Json:
        """A file's value; None when nothing can be read from it, which is then reported."""
        self._files[file] = path
        try:
            text = read(path, file)
        except Unreadable as problem:
            self._diagnostics.append(problem.diagnostic)
            return None
        self._refers = self._refers or "${" in text
        known = self._cache.get(text)
        if known is not None:
            self._proven.add(file)
            return known[0]
        parsed = parse(text, file)
        self._diagnostics.extend(parsed.diagnostics)
        self._parsed.append((text, parsed.value))
        return parsed.value

    def _var_file(self, path: Path) -> dict[str, variables.VariableValue]:
        file = shown_name(path, self._directory)
        content = self._content(path, file)
        if content is None:
            return {}
        if not isinstance(content, dict):
            message = f"a var-file is a mapping of variables to values, not {quoted(content)}"
            self._found.append(Finding((), "wrong-type", message, "write NAME: VALUE", file=file))
            return {}
        return variables.from_file(content, file)

    def _checked(
        self, document: Document, interpolator: Interpolator, complete: bool
    ) -> ResolvedConfig:
        """Fill in the variables, and keep what has the right shape."""
        provider = interpolator.fill(document.provider, ("provider",))
        state = interpolator.fill(document.state, ("state",))
        prices = interpolator.fill(document.prices, ("prices",))
        policy = interpolator.fill(document.policy, ("policy",))
        lint = interpolator.fill(document.lint, ("lint",))
        notify = interpolator.fill(document.notify, ("notify",))
        resources = {
            section: interpolator.fill(named, (section,)) if self._refers else named
            for section, named in (("datasets", document.datasets), ("models", document.models))
        }
        blocks = {
            section: interpolator.fill(dict(written), (section,))
            for section, written in document.blocks.items()
        }
        self._group(interpolator.unresolved)
        name, settings = self._provider(provider)
        return ResolvedConfig(
            provider=name,
            provider_settings=settings,
            definition=self._definition,
            capabilities=self._capabilities,
            state_path=self._state_path(state),
            prices_path=self._prices_path(prices),
            policy=self._optional("policy", policy),
            lint=self._optional("lint", lint),
            notify=self._optional("notify", notify),
            datasets=self._sound_entries("datasets", resources["datasets"]),
            models=self._sound_entries("models", resources["models"]),
            blocks={
                section: self._sound_entries(section, written)
                for section, written in blocks.items()
            },
            broken=self._broken,
            complete=complete,
        )

    def _group(self, unresolved: set[KeyPath]) -> None:
        for path in unresolved:
            for length in (1, 2):
                self._unresolved.setdefault(path[:length], set()).add(path)

    def _provider(self, provider: Any) -> tuple[str | None, dict[str, Any]]:
        """The provider's name, None where that is written wrongly, and its settings."""
        if ("provider",) not in self._declared:
            provider = {_DEFAULT_PROVIDER: {}}
        self._register(provider)
        sound = self._sound(("provider",), "provider", provider)
        if len(sound) != 1:
            return None, {}
        [(name, given)] = sound.items()
        settings = {**self._validator.defaults(name), **(given or {})}
        self._definition = self._providers[name]
        self._capabilities = self._definition.capabilities(settings)
        return name, settings

    def _register(self, provider: Any) -> None:
        """Accept the blocks of a provider that the published schema does not have."""
        for name in provider if isinstance(provider, dict) else ():
            if not self._validator.knows(name) and name in self._providers:
                self._validator.add(self._providers[name])
                self._proven.clear()  # by the published schema
                self._parsed.clear()

    def _state_path(self, state: Any) -> str | None:
        """Where the state is kept, as it is written; None where that is written wrongly."""
        if ("state",) not in self._declared:
            return build.DEFAULT_STATE_PATH
        path: str | None = self._sound(("state",), "state", state).get("local", {}).get("path")
        return path

    def _optional(self, section: str, content: Any) -> dict[str, Any]:
        """A section that changes nothing where it is not written."""
        if (section,) not in self._declared:
            return {}
        sound: dict[str, Any] = self._sound((section,), section, content)
        return sound

    def _prices_path(self, prices: Any) -> str | None:
        """The user's own price book; None for list prices."""
        if ("prices",) not in self._declared:
            return None
        path: str | None = self._sound(("prices",), "prices", prices).get("file")
        return path

    def _sound_entries(self, section: str, entries: Any) -> dict[str, Any]:
        definition = section.removesuffix("s")
        return {
            name: self._sound((section, name), definition, entry) for name, entry in entries.items()
        }

    def _sound(self, path: KeyPath, definition: str, value: Json) -> Any:
        """A mapping without what is wrong in it, which is noted."""
        # Sections that are no list of entries may come from elsewhere than the file.
        if len(path) == 2 and self._declared.get(path) in self._proven:
            return value
        unresolved = self._unresolved.get(path, set())
        if not unresolved and self._validator.accepts(definition, value):
            return value
        from automl_plan.config.schema import paths_of_error, prune_invalid

        self._faulty.add(path)
        self._broken |= unresolved
        for error in self._validator.errors(definition, value):
            self._broken.update(paths_of_error(error, path))
            # That a value could not be filled in is noted already.
            if (*path, *map(str, error.absolute_path)) not in unresolved:
                self._explain(error, path)
        return {} if path in self._broken else prune_invalid(value, path, self._broken)

    def _explain(self, error: ValidationError, path: KeyPath) -> None:
        from automl_plan.config.schema_errors import explain

        written = self._source_map.written
        self._found.extend(explain(error, path, written, self._capabilities, self._providers))

    def _read_files(self, prices: str | None) -> tuple[Path, ...]:
        book = () if prices is None else (self._directory / prices,)
        return (*self._files.values(), *book)

    def _prices(self, path: str | None) -> PriceBook:
        if path is None:
            return list_prices(self._capabilities)
        return read_prices(self._directory / path, self._capabilities)

    def _raise_if_anything_was_found(self) -> None:
        # What YAML itself is wrong about often makes a second finding at the same place.
        places = {(d.file, d.line, d.column) for d in self._diagnostics}
        diagnostics = self._diagnostics + [
            d
            for d in self._source_map.diagnostics(self._found)
            if (d.file, d.line, d.column) not in places
        ]
        if diagnostics:
            diagnostics.sort(key=lambda d: (d.file, d.line, d.column, d.rule, d.message))
            raise ConfigurationError(diagnostics)

    def _built(
        self, checked: ResolvedConfig, values: Mapping[str, variables.Scalar]
    ) -> Configuration:
        if self._faulty or checked.provider is None or checked.state_path is None:
            # What silently went missing would be planned to be deleted.
            raise AssertionError(f"left out without a finding: {self._faulty}")
        desired = build.desired(checked)
        state_path = os.path.normpath(self._directory / checked.state_path)
        return Configuration(
            directory=self._directory,
            provider=ProviderSettings(checked.provider, checked.provider_settings),
            capabilities=checked.capabilities,
            state_path=Path(state_path),
            desired=desired,
            policy=build.policy(checked.policy),
            lint=checked.lint,
            receivers=build.receivers(checked.notify),
            prices=self._prices(checked.prices_path),
            files=self._read_files(checked.prices_path),
            given=variables.written_values(values),
            given_values=values,
            digest=build.digest(checked, desired),
            _source_map=self._source_map,
        )
