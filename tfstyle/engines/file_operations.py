"""Which operations of a SavedModel touch files, the network or other processes when a server runs it.

A SavedModel is a program: one that reads or writes files would do so with the rights of the server. Looked at is what a
server runs, found from its signatures (what initializes a model is one, too) and from what restores its variables. That
which saves them is in every model and never run.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tfstyle.errors import ModelError

# By parts of their names, because TensorFlow has many of a kind. ImmutableConst maps a file into memory, DecodeProto
# may read its descriptors from one, and what prints, debugs and copies takes addresses such as file:// and grpc://.
_TOUCHING = re.compile(
    r"File|Dir|Save|Restore|Checkpoint|Dataset|Iterator|Reader|Summary|Debug|PyFunc|Rpc|DataService|Sql|LMDB|"
    r"^(EncodeProto|DecodeProto|ImmutableConst|LoadAndRemap|GenerateVocab|Print|CopyHost|Copy$|DumpTensor)"
)
_RESTORING = {"RestoreV2", "ShardedFilename"}  # at a path that the server gives
_INITIALIZERS = ("saved_model_main_op", "legacy_init_op")


def check_file_operations(version_folder: Path) -> None:
    """See that nothing that a server runs of this model touches files or the network.

    Args:
        version_folder: Holds a complete SavedModel.

    Raises:
        ModelError: If something does, or its graph cannot be read.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        model = SavedModel.FromString((version_folder / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise ModelError(f"The graph in {version_folder} cannot be read ({error}); export it again.") from None
    found = sorted({op for meta_graph in model.meta_graphs for op in _touching(meta_graph)})
    if found:
        raise ModelError(
            f"Expected a model that computes and no more in {version_folder}, but it runs {', '.join(found)}, which "
            f"may read or write files or call others with the rights of whoever runs it. If you trust it, allow file "
            f"operations."
        )


def _touching(meta_graph: Any) -> Iterator[str]:
    graph = _ModelGraph(meta_graph.graph_def)
    signatures = meta_graph.signature_def.values()
    run = [info.name for signature in signatures for info in signature.outputs.values()]
    for initializer in _INITIALIZERS:
        if initializer in meta_graph.collection_def:
            run += meta_graph.collection_def[initializer].node_list.value
    yield from (op for op in graph.operations(run) if _TOUCHING.search(op))
    restore = meta_graph.saver_def.restore_op_name
    if restore:
        yield from (op for op in graph.operations([restore]) if _TOUCHING.search(op) and op not in _RESTORING)


class _ModelGraph:
    """Nodes and functions by name."""

    def __init__(self, graph_def: Any):
        self._nodes = {node.name: node for node in graph_def.node}
        self._functions = {function.signature.name: function for function in graph_def.library.function}

    def operations(self, fetched: Iterable[str]) -> set[str]:
        """The operations that are run for some tensors or nodes, those within functions included."""
        operations: set[str] = set()
        nodes, waiting = set(), [_node_name(name) for name in fetched]
        functions: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in nodes or name not in self._nodes:
                continue
            nodes.add(name)
            node = self._nodes[name]
            waiting += [_node_name(source) for source in node.input]
            operations |= self._of_node(node, functions)
        return operations

    def _of_node(self, node: Any, functions: set[str]) -> set[str]:
        """Operations of a node: its own, and all in the functions that it names."""
        operations, waiting = set(), [node]
        while waiting:
            current = waiting.pop()
            if current.op not in self._functions:
                operations.add(current.op)
            for called in _called(current):
                if called in self._functions and called not in functions:
                    functions.add(called)
                    waiting += self._functions[called].node_def
        return operations


def _called(node: Any) -> Iterator[str]:
    """The functions that a node names: as its operation, or in its attributes."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
