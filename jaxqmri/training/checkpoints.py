"""Trainings and trained networks on disk, whole or not at all. Orbax is used here and nowhere else.

A training resumed from its checkpoint goes on as if it had never stopped, on as many devices and
in as many processes as there are then.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from flax import nnx
from jax.sharding import Mesh, SingleDeviceSharding

from jaxqmri.training.loop import Variables
from jaxqmri.training.side_by_side import everywhere

State = TypeVar("State")
DESCRIPTION = "description.json"
logging.getLogger("absl").setLevel(logging.ERROR)


class Checkpoints:
    """The latest checkpoints of one training.

    Parameters
    ----------
    folder
        Where they are kept; made if missing. Leftovers of a save that was cut short are removed.
    keep
        How many to keep.
    together
        Whether all processes of ``jax.distributed`` train it together: each then writes a part of
        every array. Otherwise it is this process's alone.
    """

    def __init__(
        self, folder: str | os.PathLike[str], keep: int = 2, *, together: bool = False
    ) -> None:
        self.folder, self._together = Path(folder).resolve(), together
        self.folder.mkdir(parents=True, exist_ok=True)
        by = _processes(together)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            create=False,
            enable_async_checkpointing=False,
            cleanup_tmp_directories=True,
            multiprocessing_options=by,
        )
        handlers = {
            "state": ocp.StandardCheckpointHandler(multiprocessing_options=by),
            "record": ocp.JsonCheckpointHandler(multiprocessing_options=by),
        }
        self._manager = ocp.CheckpointManager(self.folder, options=options, item_handlers=handlers)

    def save(self, step: int, state: Any, record: Mapping[str, Any]) -> None:
        """Write one checkpoint.

        Parameters
        ----------
        step
            Its number, above those saved before.
        state
            A pytree of arrays and random keys.
        record
            What is not arrays: numbers, texts and lists, as JSON holds them.
        """
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(self._put(_leaves(state))),
            record=ocp.args.JsonSave(dict(record)),
        )
        self._manager.save(step, args=args)

    def latest(self, like: State) -> tuple[State, dict[str, Any]] | None:
        """The latest checkpoint, or None if there is none.

        Parameters
        ----------
        like
            A state of the same structure, such as that of a new training.

        Returns
        -------
        state, record
            As they were saved.

        Raises
        ------
        ValueError
            If the checkpoint is of another network, optimiser or structure.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        template = _leaves(like)
        found = self._manager.item_metadata(step)["state"]
        _same_shapes(template, found, f"{self.folder / str(step)}")
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(_abstract(self._put(template))),
            record=ocp.args.JsonRestore(),
        )
        restored = self._manager.restore(step, args=args)
        return _rebuilt(restored["state"], like), restored["record"]

    def _put(self, leaves: dict[str, Any]) -> dict[str, Any]:
        """The arrays where all processes write and read them, if they do."""
        if not self._together or jax.process_count() == 1:
            return leaves
        return everywhere(leaves, Mesh(np.asarray(jax.devices()), ("devices",)))

    def close(self) -> None:
        """Let the files go."""
        self._manager.close()


def save_model(
    folder: str | os.PathLike[str], variables: Variables, description: Mapping[str, Any]
) -> None:
    """Write a trained network with the description that its use needs.

    Parameters
    ----------
    folder
        Made whole or not at all; a model that was there is replaced.
    variables
        What the network has learnt.
    description
        As JSON: ``architecture`` (what builds the network), and whatever tells how to use it, such
        as the acquisition, the scaling of intensities, names and order of the inputs and units.

    Raises
    ------
    ValueError
        If the description has no ``architecture`` or is not JSON.
    """
    if "architecture" not in description:
        raise ValueError("the description of a model needs its architecture")
    try:
        text = json.dumps(dict(description), indent=2, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the description of a model must be JSON: {error}") from None
    folder = Path(folder).resolve()
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with ocp.StandardCheckpointer(multiprocessing_options=_processes()) as checkpointer:
        checkpointer.save(partial / "variables", _leaves(variables))
    (partial / DESCRIPTION).write_text(text + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def load_model(
    folder: str | os.PathLike[str], build: Callable[[Mapping[str, Any]], nnx.Module]
) -> tuple[nnx.Module, dict[str, Any]]:
    """Read a trained network.

    Parameters
    ----------
    folder
        What :func:`save_model` wrote.
    build
        Builds a network from the description's ``architecture``; it is traced, and must not look
        at the values of weights.

    Returns
    -------
    network, description
        The network with what it has learnt, and its description.

    Raises
    ------
    FileNotFoundError
        If there is no model in the folder.
    ValueError
        If its description does not fit its variables.
    """
    folder = Path(folder).resolve()
    if not (folder / DESCRIPTION).exists():
        raise FileNotFoundError(f"{folder}: no model here, expected a {DESCRIPTION}")
    try:
        description = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{folder / DESCRIPTION}: not valid JSON ({error})") from None
    # its shapes alone: drawing weights that are replaced at once takes longer than reading them
    network = nnx.eval_shape(lambda: build(description["architecture"]))
    graph, params, stats = nnx.split(network, nnx.Param, ...)
    template = _leaves(Variables(params, stats))
    with ocp.StandardCheckpointer(multiprocessing_options=_processes()) as checkpointer:
        path = folder / "variables"
        _same_shapes(template, checkpointer.metadata(path).item_metadata, str(path))
        restored = checkpointer.restore(path, _abstract(template))
    return nnx.merge(graph, *_rebuilt(restored, Variables(params, stats))), description


def _processes(together: bool = False) -> ocp.options.MultiprocessingOptions:
    """Who writes: all processes, or this one without waiting for others."""
    if together or jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(me, {me}, f"process-{me}")


def _leaves(state: Any) -> dict[str, Any]:
    """Arrays of a pytree by their place in it; random keys as the numbers they are made of."""
    paths, _ = jax.tree_util.tree_flatten_with_path(state)
    return {jax.tree_util.keystr(path): _numbers(leaf) for path, leaf in paths}


def _numbers(leaf: Any) -> Any:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _is_key(leaf: Any) -> bool:
    arrays = jax.Array | jax.ShapeDtypeStruct
    return isinstance(leaf, arrays) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _abstract(leaves: Mapping[str, Any]) -> dict[str, Any]:
    # told where to, since the devices of the save may be gone
    here = SingleDeviceSharding(jax.local_devices()[0])
    return {
        k: jax.ShapeDtypeStruct(np.shape(v), v.dtype, sharding=getattr(v, "sharding", None) or here)
        for k, v in leaves.items()
    }


def _same_shapes(template: Mapping[str, Any], found: Any, where: str) -> None:
    """Refuse what was saved of another state, naming the first array that differs."""
    shapes = {name: tuple(each.shape) for name, each in found.items()}
    wanted = {name: np.shape(each) for name, each in template.items()}
    for name in (*wanted, *shapes):
        if wanted.get(name) != shapes.get(name):
            raise ValueError(
                f"{where}: saved by another network or optimiser: {name} has the shape "
                f"{shapes.get(name)}, expected {wanted.get(name)}"
            )


def _rebuilt(leaves: Mapping[str, Any], like: Any) -> Any:
    paths, structure = jax.tree_util.tree_flatten_with_path(like)
    found = []
    for path, leaf in paths:
        value = leaves[jax.tree_util.keystr(path)].addressable_data(0)
        found.append(jax.random.wrap_key_data(value) if _is_key(leaf) else value)
    return jax.tree_util.tree_unflatten(structure, found)
