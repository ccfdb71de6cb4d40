"""The training step: written for one network and one fold, compiled once, reused for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from jaxqmri.training.losses import Loss
from jaxqmri.training.side_by_side import Layout

Terms = dict[str, Float[Array, "*_"]]

# for a program that runs once: a fifth of the time to compile (11 s, a small U-Net on a CPU)
WITHOUT_OPTIMISATION = {"xla_backend_optimization_level": 0}


class Variables(NamedTuple):
    """What a network has learnt: its weights, and the statistics of its normalisations."""

    params: Any
    stats: Any


class TrainState(NamedTuple):
    """All that a training changes, and the key that its randomness comes from.

    Step ``k`` draws from ``fold_in(key, k)``: the state alone says how the training goes on.
    """

    variables: Variables
    optimiser: Any
    key: Array
    step: Int[Array, "*_"]


def _of_one(leaf: Any) -> jax.ShapeDtypeStruct:
    """Shape of one entry of a stack."""
    return jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)


def undivided(batch: Any) -> Any:
    """A batch as it is, on one device."""
    return batch


class Trainer:
    """How a network learns, apart from the data.

    The data are an argument of every call, a pytree of arrays that stays on the device. The step
    is compiled for their shapes, so folds, inputs and seeds of the same shapes share one program.

    Parameters
    ----------
    make
        Makes the network, ``lambda rngs: UNet(2, rngs=rngs)``; it is called as
        ``network(batch.images, train=True)``.
    optimiser
        See :func:`jaxqmri.training.make_optimiser`.
    sample
        From a random key and the data to a batch with a field ``images``.
    loss
        From what the network predicts and the batch to the loss and its terms by name.
    steps
        Steps of one call.
    scan
        Whether the steps of one call are one program. None: unless on a CPU, where XLA runs
        convolutions inside a loop about ten times slower than outside.
    devices
        What :meth:`run_several` shares out: this process's when None. Those of several processes
        train together if each makes the same calls.

    Notes
    -----
    :meth:`advance` is pure. :meth:`run_several` takes the same steps for a stack of states: on a
    CPU each of its cores trains one network, on a GPU they are one batched program, and devices
    that are left over share batches out.
    """

    def __init__(
        self,
        make: Callable[[nnx.Rngs], nnx.Module],
        optimiser: optax.GradientTransformation,
        sample: Callable[[Array, Any], Any],
        loss: Loss,
        *,
        steps: int = 50,
        scan: bool | None = None,
        devices: Sequence[Any] | None = None,
    ):
        if steps < 1:
            raise ValueError(f"steps of one call must be at least 1, got {steps}")
        self._make, self._optimiser = make, optimiser
        self._sample, self._loss = sample, loss
        self.steps = steps
        abstract = nnx.eval_shape(lambda: make(nnx.Rngs(0)))
        self._graph = nnx.split(abstract, nnx.Param, ...)[0]
        self._first = jax.jit(self._init, compiler_options=WITHOUT_OPTIMISATION)
        self._scan = jax.default_backend() != "cpu" if scan is None else scan
        self._devices = tuple(jax.local_devices() if devices is None else devices)
        self._programs: dict[int, Callable[[TrainState, Any], tuple[TrainState, Terms]]] = {}

    def init(self, key: Array) -> TrainState:
        """State before the first step: weights, order of the data and augmentation from ``key``."""
        # inside a compiled function there is no program of its own to have options
        return (self._init if isinstance(key, Tracer) else self._first)(key)

    def _init(self, key: Array) -> TrainState:
        weights, rest = jax.random.split(key)
        network = self._make(nnx.Rngs(weights))
        _, params, stats = nnx.split(network, nnx.Param, ...)
        step = jnp.zeros((), jnp.int32)
        return TrainState(Variables(params, stats), self._optimiser.init(params), rest, step)

    def run(self, state: TrainState, data: Any) -> tuple[TrainState, Terms]:
        """Take the trainer's number of steps, compiled; the memory of ``state`` is used up.

        Parameters and results are those of :meth:`advance`.
        """
        return self._run(0, state, data)

    def run_several(self, states: TrainState, data: Any) -> tuple[TrainState, Terms]:
        """Take the trainer's number of steps in several trainings that know nothing of each other.

        Parameters
        ----------
        states, data
            Stacks as :meth:`layout` makes them: each leaf has a leading axis over the trainings,
            shared out over the devices. The memory of ``states`` is used up.

        Returns
        -------
        states, terms
            As :meth:`advance` returns them, with the leading axis.
        """
        return self._run(int(states.step.shape[0]), states, data)

    def layout(self, count: int, data: Any) -> Layout:
        """Where so many trainings lie, and how to put them there and take them back.

        Parameters
        ----------
        count
            How many.
        data
            What one of them samples from.

        Raises
        ------
        ValueError
            If the trainer's devices are of several processes, of which one would have none.
        """
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), data)
        batch = jax.eval_shape(self._sample, jax.random.key(0), shapes)
        return Layout.of(count, self._devices, batch.images.shape[0])

    def _run(self, members: int, state: TrainState, data: Any) -> tuple[TrainState, Terms]:
        """Run the program for one training (no ``members``), or for a stack of them."""
        if members not in self._programs:
            self._programs[members] = self._compiled(members, data)
        return self._programs[members](state, data)

    def _compiled(
        self, members: int, data: Any
    ) -> Callable[[TrainState, Any], tuple[TrainState, Terms]]:
        function = self._advance if self._scan else self._step
        if members:
            layout = self.layout(members, jax.tree.map(_of_one, data))
            function = layout.one_by_one(partial(function, share=layout.shared_out))
        return jax.jit(function, donate_argnums=0) if self._scan else self._one_by_one(function)

    def _one_by_one(
        self, step: Callable[[TrainState, Any], tuple[TrainState, Terms]]
    ) -> Callable[[TrainState, Any], tuple[TrainState, Terms]]:
        """All steps, each a call of one program.

        The program takes the state's arrays rather than the state, whose structure would be taken
        apart and put together in Python at every step.
        """
        structure: Any = None

        @partial(jax.jit, donate_argnums=0)
        def one(leaves: list[Array], data: Any) -> tuple[list[Array], Terms]:
            state, terms = step(jax.tree.unflatten(structure, leaves), data)
            return jax.tree.leaves(state), terms

        def run(state: TrainState, data: Any) -> tuple[TrainState, Terms]:
            nonlocal structure
            leaves, structure = jax.tree.flatten(state)
            collected = []
            for _ in range(self.steps):
                leaves, terms = one(leaves, data)
                collected.append(terms)
            mean = jax.tree.map(lambda *each: jnp.asarray(np.mean(each, axis=0)), *collected)
            return jax.tree.unflatten(structure, leaves), mean

        return run

    def advance(self, state: TrainState, data: Any) -> tuple[TrainState, Terms]:
        """Take the trainer's number of steps in a loop that JAX can trace.

        Parameters
        ----------
        state
            Where the training stands.
        data
            What ``sample`` draws from.

        Returns
        -------
        state, terms
            The new state, and the mean over the steps of the loss (``"loss"``) and its terms.
        """
        return self._advance(state, data)

    def _advance(
        self, state: TrainState, data: Any, share: Callable[[Any], Any] = undivided
    ) -> tuple[TrainState, Terms]:
        def step(state: TrainState, _: None) -> tuple[TrainState, Terms]:
            return self._step(state, data, share)

        state, terms = jax.lax.scan(step, state, length=self.steps)
        return state, jax.tree.map(jnp.mean, terms)

    def predict(self, variables: Variables, images: Array) -> Any:
        """What the network makes of images, with the statistics that it remembers."""
        network: Any = nnx.merge(self._graph, *variables, copy=True)
        return network(images)

    def _step(
        self, state: TrainState, data: Any, share: Callable[[Any], Any] = undivided
    ) -> tuple[TrainState, Terms]:
        batch = share(self._sample(jax.random.fold_in(state.key, state.step), data))

        def loss(params: Any, stats: Any) -> tuple[Any, tuple[Any, Terms]]:
            network: Any = nnx.merge(self._graph, params, stats, copy=True)
            total, terms = self._loss(network(batch.images, train=True), batch)
            _, _, stats = nnx.split(network, nnx.Param, ...)
            return total, (stats, {"loss": total, **terms})

        params, stats = state.variables
        gradient, (stats, terms) = jax.grad(loss, has_aux=True)(params, stats)
        update, optimiser = self._optimiser.update(gradient, state.optimiser, params)
        params = optax.apply_updates(params, update)
        return TrainState(Variables(params, stats), optimiser, state.key, state.step + 1), terms
