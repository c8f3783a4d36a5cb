"""Allowed content of a checkpoint's files: module types, keys, and values without code or places.

The libraries that load checkpoints take a lot from their JSON files: classes to import, functions to call,
other repositories and revisions to read. Every JSON file that they would read is therefore checked here
first. Content that is not listed in this file is refused before anything is loaded.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from suffice.errors import DataError, ModelError
from suffice.storage.files import read_json

MODULES, ROUTER, LIBRARY = "modules.json", "router_config.json", "config_sentence_transformers.json"
TRANSFORMER, ROUTES = "Transformer", ("Router", "Asym")
ADAPTER = "adapter_config.json"
NOTHING: frozenset[str] = frozenset()

NAMESPACE = re.compile(
    r"sentence_transformers\.(models|sentence_transformer\.modules|base\.modules)(\.[A-Za-z_]+)?\.(?P<name>\w+)"
)
TRANSFORMER_FILE = re.compile(r"sentence_[a-z-]+_config\.json")
TRANSFORMER_KEYS = frozenset(
    "max_seq_length do_lower_case model_args model_kwargs tokenizer_args processor_kwargs config_args "
    "config_kwargs transformer_task modality_config module_output_name processing_kwargs unpad_inputs "
    "query_length document_length query_expansion".split()
)
POOLING_KEYS = frozenset(
    "embedding_dimension word_embedding_dimension pooling_mode include_prompt pooling_mode_cls_token "
    "pooling_mode_max_tokens pooling_mode_mean_tokens pooling_mode_mean_sqrt_len_tokens "
    "pooling_mode_weightedmean_tokens pooling_mode_lasttoken".split()
)
DENSE_KEYS = frozenset(
    "in_features out_features bias activation_function module_input_name module_output_name "
    "use_residual".split()
)
WORD_KEYS = frozenset({"vocab", "word_weights", "unknown_word_weight", "cumulative_term_frequency"})
LAYER_KEYS = frozenset(
    {"embedding_dimension", "word_embedding_dimension", "layer_start", "num_hidden_layers"}
)
CNN_KEYS = frozenset(
    "in_embedding_dimension in_word_embedding_dimension out_channels kernel_sizes stride_sizes".split()
)
LSTM_KEYS = frozenset(
    "embedding_dimension word_embedding_dimension hidden_dim num_layers dropout bidirectional".split()
)


class ModuleFile(NamedTuple):
    """The file that a module type reads, and its allowed keys."""

    name: str
    keys: frozenset[str]


MODULE_FILES: Mapping[str, ModuleFile] = {
    "Pooling": ModuleFile("config.json", POOLING_KEYS),
    "Normalize": ModuleFile("config.json", frozenset({"module_input_name", "module_output_name"})),
    "Dense": ModuleFile("config.json", DENSE_KEYS),
    "Dropout": ModuleFile("config.json", frozenset({"dropout"})),
    "LayerNorm": ModuleFile("config.json", frozenset({"dimension"})),
    "BoW": ModuleFile("config.json", WORD_KEYS),
    "WordWeights": ModuleFile("config.json", WORD_KEYS),
    "WeightedLayerPooling": ModuleFile("config.json", LAYER_KEYS),
    "CNN": ModuleFile("cnn_config.json", CNN_KEYS),
    "LSTM": ModuleFile("lstm_config.json", LSTM_KEYS),
    "WordEmbeddings": ModuleFile(
        "wordembedding_config.json", frozenset({"tokenizer_class", "update_embeddings", "max_seq_length"})
    ),
    "StaticEmbedding": ModuleFile("", NOTHING),  # reads only tokenizer.json and weights
}
MODULE_KEYS = frozenset({"idx", "name", "path", "type", "kwargs"})
ROUTER_KEYS = frozenset({"types", "structure", "parameters"})
LIBRARY_KEYS = frozenset(
    "model_type __version__ prompts default_prompt_name similarity_fn_name truncate_dim requirements".split()
)
ACTIVATION = re.compile(
    r"torch\.nn\.(modules\.(activation|linear)\.)?(CELU|ELU|GELU|Hardsigmoid|Hardswish|Hardtanh|Identity|LeakyReLU"
    r"|LogSigmoid|Mish|PReLU|ReLU|ReLU6|SELU|SiLU|Sigmoid|Softplus|Softsign|Tanh|Tanhshrink)"
)
TOKENIZER = re.compile(
    r"sentence_transformers\.(models|sentence_transformer\.modules)\.tokenizer(\.\w+)?\."
    r"(WhitespaceTokenizer|PhraseTokenizer)"
)

LOADING_KEYS: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        "trust_remote_code revision code_revision cache_dir cache_folder proxies token use_auth_token "
        "force_download gguf_file custom_pipelines custom_generate adapter_kwargs base_model_name_or_path "
        "tokenizer_name_or_path pretrained_model_name_or_path model_name_or_path use_kernels kernel_config "
        "device_map subfolder transformers_weights".split(),
        (None, False, ""),
    ),
    **dict.fromkeys(("use_safetensors", "weights_only"), (None, True)),
}
"""Loading arguments that no file may set, with the values that have no effect."""

TRANSFORMERS_FILES = (
    "config.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json",
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
)  # fmt: skip
TEXT_KEYS = re.compile(
    r"_?name_or_path|transformers_version|chat_template|id2label|label2id|task_specific_params|added_tokens_decoder"
    r"|\w*_tokens?|special_tokens_map_file|tokenizer_file|modules_to_not_convert|language|license"
)
"""Keys whose texts are shown or compared, and never imported, opened or requested."""
METHOD = re.compile(r"forward|get_\w+_features")
DTYPE = re.compile(r"torch\.\w+")
FILE_NAME = re.compile(r"[\w-]+\.(json|txt|model|vocab|jinja)")
NAMES_CODE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
ELSEWHERE = re.compile(r"[\w./-]+--\w+\.\w+")
NAMES_A_PLACE = re.compile(r"[/\\]|--|^~")


def check_allowed(folder: Path, *, modules: bool, trusted: bool = False) -> None:
    """Refuse a checkpoint if its files have content that is not allowed; nothing is imported or loaded.

    Args:
        folder: the checkpoint.
        modules: whether it is read by its modules (modules.json) or as a transformer.
        trusted: whether Python files of the checkpoint itself may run. Code from other places never may.

    Raises:
        ModelError: names the file, the key, its value and the remedy.
    """
    for part in parts(folder, modules=modules, trusted=trusted):
        part.check()


def parts(folder: Path, *, modules: bool, trusted: bool = False) -> Iterator["Part"]:
    """The parts of a checkpoint that are read, with their types, including those inside routers.

    Raises:
        ModelError: a module has a type that is not allowed, or is outside the checkpoint.
    """
    if not modules:
        yield Part(folder, PurePosixPath(), TRANSFORMER, trusted)
        return
    file = folder / MODULES
    entries = _json(file)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ModelError(f"{file} must be a list of modules; the checkpoint is damaged")
    _check_library(folder / LIBRARY)
    for number, entry in enumerate(entries):
        _refuse_keys(file, f"{number}.", entry, MODULE_KEYS)
        path, kind = entry.get("path", ""), entry.get("type")
        yield from _part(Part(folder, _inside(file, f"{number}.path", path), "", trusted), file, number, kind)


def route_names(folder: Path) -> set[str]:
    """Names of the routes, and of the tasks that lead to one, of a checkpoint's routers."""
    found: set[str] = set()
    for entry in _json(folder / MODULES):
        kind = NAMESPACE.fullmatch(str(entry.get("type")))
        if kind and kind["name"] in ROUTES:
            content = _mapping(_router_file(folder / str(entry.get("path", ""))))
            mappings = (content.get("parameters") or {}).get("route_mappings") or {}
            found |= {*content.get("structure", {}), *re.findall(r"'(\w+)'", " ".join(mappings))}
    return found


def _router_file(place: Path) -> Path:
    return place / (ROUTER if (place / ROUTER).is_file() else "config.json")


def _part(part: "Part", file: Path, key: object, kind: Any) -> Iterator["Part"]:
    """One module, and the modules inside it if it is a router."""
    name = _module_type(file, f"{key}", kind, part)
    if name not in ROUTES:
        yield part._replace(kind=name)
        return
    own = _router_file(part.place)
    content = _mapping(own)
    _refuse_keys(own, "", content, ROUTER_KEYS)
    for inner, inner_kind in _as_mapping(own, "types", content.get("types")).items():
        below = part._replace(path=part.path / _inside(own, f"types.{inner}", inner))
        yield from _part(below, own, f"types.{inner}", inner_kind)


def _module_type(file: Path, key: str, kind: Any, part: "Part") -> str:
    """The name of a module's type; empty if its code comes with a trusted checkpoint."""
    found = NAMESPACE.fullmatch(kind) if isinstance(kind, str) else None
    if found and found["name"] in (*MODULE_FILES, *ROUTES, TRANSFORMER):
        return found["name"]
    if part.trusted and isinstance(kind, str) and _has_code(part, kind):
        return ""
    raise ModelError(
        f"{file}: the key {key} has type {kind!r}, which is not an allowed type of module "
        f"({', '.join((TRANSFORMER, *MODULE_FILES, *ROUTES))} of sentence_transformers); "
        "embed the texts yourself and use the loader `vectors`, or take another checkpoint"
    )


def _has_code(part: "Part", kind: str) -> bool:
    """Whether a class such as `modeling_x.Class` is in a Python file of the checkpoint."""
    module = kind.partition(".")[0]
    return module.isidentifier() and kind.count(".") == 1 and (part.folder / f"{module}.py").is_file()


def _inside(file: Path, key: str, text: Any) -> PurePosixPath:
    """A folder below the checkpoint."""
    path = PurePosixPath(text) if isinstance(text, str) else None
    if path is None or path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise ModelError(f"{file}: the key {key} is {text!r}, which is not a folder in the checkpoint")
    return path


class Part(NamedTuple):
    """A module of a checkpoint.

    Attributes:
        folder: the checkpoint.
        path: the module's folder in it.
        kind: its type; empty if its code comes with the checkpoint.
        trusted: whether such code may run.
    """

    folder: Path
    path: PurePosixPath
    kind: str
    trusted: bool

    @property
    def place(self) -> Path:
        """The module's folder."""
        return self.folder / self.path

    def check(self) -> None:
        """Check the files that the module reads.

        Raises:
            ModelError: one of them has content that is not allowed.
        """
        if (self.place / ADAPTER).is_file():
            raise ModelError(
                f"{self.place / ADAPTER}: the checkpoint is an adapter of another model, and that model is "
                "not loaded; merge the two (`merge_and_unload` of peft) and give the folder of the result"
            )
        if self.kind in ("", TRANSFORMER):
            self._check_transformer()
        else:
            self._check_module()

    def _check_module(self) -> None:
        known = MODULE_FILES[self.kind]
        file = self.place / known.name
        if not known.keys or not file.is_file():
            return
        content = _mapping(file)
        _refuse_keys(file, "", content, known.keys)
        for key, value in content.items():
            if key in ("activation_function", "tokenizer_class"):
                _check_import(file, key, value)
            elif key not in WORD_KEYS:
                _check_value(file, key, value)

    def _check_transformer(self) -> None:
        for file in sorted(self.place.glob("*.json")):
            if TRANSFORMER_FILE.fullmatch(file.name):
                content = _mapping(file)
                if not self.trusted:
                    _refuse_keys(file, "", content, TRANSFORMER_KEYS)
            elif file.name in TRANSFORMERS_FILES:
                content = _mapping(file)
                self._check_auto_map(file, content)
            elif file.name.endswith(".index.json"):
                _check_index(file)
                continue
            else:
                continue
            for key, value in content.items():
                _check_value(file, key, value, any_text=self.trusted or key == "auto_map")
            self._check_tokenizer_file(file, content.get("tokenizer_file"))

    def _check_tokenizer_file(self, file: Path, named: Any) -> None:
        """Refuse a tokenizer elsewhere where it would be read: the checkpoint has none of its own."""
        if isinstance(named, str) and not FILE_NAME.fullmatch(named):
            if not (self.place / "tokenizer.json").is_file():
                raise ModelError(
                    f"{file}: the key tokenizer_file is {named!r}, and the checkpoint has no tokenizer.json, "
                    "so a file elsewhere would be read; copy it there and remove the key"
                )

    def _check_auto_map(self, file: Path, content: Mapping[str, Any]) -> None:
        """A checkpoint's own code runs only if it is trusted, and code of another repository never."""
        texts = _texts(content.get("auto_map"))
        elsewhere = [text for text in _texts(content) if ELSEWHERE.fullmatch(text)]
        if self.trusted and elsewhere:
            raise ModelError(
                f"{file}: {elsewhere[0]!r} (auto_map) is code of another repository, whose content may "
                "change; copy its files into a local copy of the checkpoint, and remove the name "
                "before `--`"
            )
        if texts and not self.trusted and file.name == "config.json" and not _is_native(content):
            raise ModelError(
                f"{file}: the key auto_map is {texts[0]!r}: the model {content.get('model_type')!r} needs "
                "Python code that comes with the checkpoint; read this code and set trust_remote_code with "
                "the commit as revision, or use another checkpoint"
            )


def _is_native(content: Mapping[str, Any]) -> bool:
    """Whether the transformers library includes the model, so no other code is needed."""
    from transformers import CONFIG_MAPPING

    return content.get("model_type") in CONFIG_MAPPING


def _texts(value: Any) -> list[str]:
    """All texts in a value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]


def _check_library(file: Path) -> None:
    if not file.is_file():
        return
    content = _mapping(file)
    _refuse_keys(file, "", content, LIBRARY_KEYS)
    if content.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        raise ModelError(
            f"{file}: the key model_type is {content['model_type']!r}; only checkpoints of "
            "'SentenceTransformer' give one vector per text"
        )


def _check_import(file: Path, key: str, value: Any) -> None:
    """A class that a module imports."""
    known = ACTIVATION if key == "activation_function" else TOKENIZER
    if value is not None and not (isinstance(value, str) and known.fullmatch(value)):
        raise ModelError(
            f"{file}: the key {key} is {value!r}, which would be imported and called; only "
            + ("activations of torch.nn" if known is ACTIVATION else "tokenizers of sentence_transformers")
            + " are allowed"
        )


def _check_index(file: Path) -> None:
    """Check that the parts of the weights are beside their index."""
    for name in _texts(_mapping(file).get("weight_map")):
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise ModelError(f"{file}: the key weight_map names {name!r}, which is not a file beside it")


def _check_value(file: Path, key: str, value: Any, *, any_text: bool = False) -> None:
    """Refuse loading arguments, and texts that could name code or a place, at any depth.

    Args:
        file: the file of the value.
        key: its key, with the keys above it.
        value: any JSON.
        any_text: whether any text is allowed.
    """
    name = key.rpartition(".")[2]
    if name in LOADING_KEYS and not any(value is each or value == each for each in LOADING_KEYS[name]):
        raise ModelError(
            f"{file}: the key {key} is {value!r}; a checkpoint's files must not define how or from where it "
            "is loaded. Remove the key in a local copy of the checkpoint"
        )
    if isinstance(value, dict):
        free = any_text or bool(TEXT_KEYS.fullmatch(name))
        for inner, below in value.items():
            _check_value(file, f"{key}.{inner}", below, any_text=free)
    elif isinstance(value, list):
        for below in value:
            _check_value(file, key, below, any_text=any_text)
    elif isinstance(value, str) and not any_text and not TEXT_KEYS.fullmatch(name):
        _check_text(file, key, value)


def _check_text(file: Path, key: str, value: str) -> None:
    known = any(pattern.fullmatch(value) for pattern in (DTYPE, ACTIVATION, FILE_NAME))
    is_method = key.rpartition(".")[2] == "method"
    if is_method and not METHOD.fullmatch(value):
        raise ModelError(f"{file}: the key {key} is {value!r}; only the method forward may be called")
    if NAMES_A_PLACE.search(value) or (NAMES_CODE.fullmatch(value) and not known):
        raise ModelError(
            f"{file}: the key {key} is {value!r}, which may name code or another place; "
            "remove it from a local copy of the checkpoint, or take another checkpoint"
        )


def _refuse_keys(file: Path, above: str, content: Mapping[str, Any], allowed: frozenset[str]) -> None:
    unknown = sorted(set(content) - allowed)
    if unknown:
        raise ModelError(
            f"{file}: the key {above}{unknown[0]} is not allowed (allowed: {', '.join(sorted(allowed))}); "
            "remove it from a local copy of the checkpoint, or take another checkpoint"
        )


def _mapping(file: Path) -> dict[str, Any]:
    return _as_mapping(file, "", _json(file))


def _json(file: Path) -> Any:
    try:
        return read_json(file)
    except DataError as error:
        raise ModelError(f"checkpoint {str(file.parent)!r} cannot be loaded ({error})") from None


def _as_mapping(file: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{file}{f': {key}' if key else ''} must have keys and values; it is damaged")
    return value
