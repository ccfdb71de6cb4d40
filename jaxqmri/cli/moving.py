"""What a registration moves: plain images, or images and series of a BIDS folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxqmri.io import InputError, bids, files, nifti
from jaxqmri.io.acquisition import to_disk

DESC = "registered"
PIPELINE = "jaxqmri"

Mask = Bool[np.ndarray, "x y z"]
Volume = Float[np.ndarray, "x y z"]


class Pair(NamedTuple):
    """One image to move.

    Attributes
    ----------
    moving
        The image.
    label
        What it is called on the page.
    transform
        Where its transform goes, below the output folder.
    is_fixed
        Whether it is the one that stays.
    metadata
        Its sidecar fields, times in ms.
    """

    moving: nifti.Image
    label: str
    transform: str = ""
    is_fixed: bool = False
    metadata: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Plain:
    """One file to another, or the images of a 4-D file to the first."""

    path: Path
    to: Path | None
    out: Path
    root: None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return nifti.stem(self.path)

    @property
    def record(self) -> str:
        """One command's results in a folder of their own."""
        return f"{self.name}_{DESC}"

    @property
    def page(self) -> str:
        """Beside the image."""
        return f"{self.name}_{DESC}.html"

    def read(self) -> tuple[nifti.Image, list[Pair]]:
        """Read both images, or all of a series."""
        if self.to is not None:
            moving, fixed = nifti.read_image(self.path), nifti.read_image(self.to)
            return fixed, [Pair(moving, self.name, f"{self.name}_xfm.txt")]
        stack = nifti.read_stack(self.path)
        count = stack.data.shape[3]
        if count < 2:
            raise InputError(f"{self.path}: holds one image, --to-first needs several")
        volumes = [stack._replace(data=stack.data[..., k]) for k in range(count)]
        pairs = [
            Pair(volume, f"image {k + 1}", f"{self.name}_image-{k + 1}_xfm.txt", k == 0)
            for k, volume in enumerate(volumes)
        ]
        return volumes[0], pairs

    def read_mask(self, given: str | None, fixed: nifti.Image) -> tuple[Mask | None, Path | None]:
        """A mask is a file."""
        return (None, None) if given is None else _mask_file(Path(given), fixed)

    def results(
        self, pairs: Sequence[Pair], volumes: Sequence[Volume]
    ) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
        """One file, 3-D or 4-D as the one that was given, with what its sidecar said."""
        sidecar = nifti.sidecar_path(self.path)
        said = files.read_json(sidecar) if sidecar.exists() else {}
        data = volumes[0] if self.to is not None else np.stack(volumes, axis=-1)
        yield f"{self.name}_{DESC}.nii.gz", data, said


@dataclass(frozen=True)
class InDataset:
    """Images of one subject (and session) of a BIDS folder."""

    root: Path
    suffix: str
    to: str | None
    entities: Mapping[str, str]
    out: Path

    @property
    def name(self) -> str:
        """Subject and what else tells the images apart."""
        return "_".join(f"{key}-{value}" for key, value in self.entities.items())

    @property
    def record(self) -> str:
        """One for each subject and kind of image."""
        return f"{self.name}_{self.suffix}_{DESC}"

    @property
    def page(self) -> str:
        """Beside the image."""
        return self._place(self.entities).removesuffix(".nii.gz") + ".html"

    def read(self) -> tuple[nifti.Image, list[Pair]]:
        """Read the image and its target, or the series."""
        if self.to is None:
            return self._read_series()
        person = _person(self.entities)
        moving = bids.read_anat(self.root, self.entities, self.suffix)
        if self.to in bids.SERIES:
            found = [e for e in bids.find_series(self.root, self.to) if _person(e) == person]
            if len(found) != 1:
                folder = self.root / f"sub-{person['sub']}"
                raise InputError(f"{folder}: expected one {self.to} series, found {len(found)}")
            series = bids.read_series(self.root, self.to, found[0])
            fixed = nifti.Image(series.images[..., 0], series.affine, series.sources[0])
        else:
            fixed = bids.read_anat(self.root, person, self.to)
        label = f"{self.suffix} to {self.to}"
        metadata = bids.read_metadata(self.root, moving.path).fields
        return fixed, [Pair(moving, label, self._transform({}), metadata=metadata)]

    def _read_series(self) -> tuple[nifti.Image, list[Pair]]:
        series = bids.read_series(self.root, self.suffix, self.entities)
        if len(series.sources) < 2:
            raise InputError(f"{series.sources[0]}: alone in its series, --to-first needs several")
        entity = bids.SERIES[self.suffix].entity
        pairs = []
        for k, path in enumerate(series.sources):
            image = nifti.Image(series.images[..., k], series.affine, path)
            name = bids.parse_name(path)
            count = {entity: str(k + 1) if name is None else name.entities[entity]}
            label = f"{entity}-{count[entity]}"
            pairs.append(Pair(image, label, self._transform(count), k == 0, series.metadata[k]))
        return pairs[0].moving, pairs

    def read_mask(self, given: str | None, fixed: nifti.Image) -> tuple[Mask | None, Path | None]:
        """A file, or regions that somebody drew."""
        if given is None:
            return None, None
        if Path(given).is_file() or given.endswith(nifti.EXTENSIONS):
            return _mask_file(Path(given), fixed)
        return _mask_of(bids.read_labels(self.root, given, _person(self.entities)), fixed)

    def results(
        self, pairs: Sequence[Pair], volumes: Sequence[Volume]
    ) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
        """One file for each image, under its own name and ``desc-registered``."""
        for pair, data in zip(pairs, volumes, strict=True):
            name = bids.parse_name(pair.moving.path)
            entities = dict(self.entities) if name is None else name.entities
            yield self._place(entities), data, to_disk(pair.metadata)

    def _place(self, entities: Mapping[str, str]) -> str:
        return bids.map_name(entities, self.suffix, DESC)

    def _transform(self, more: Mapping[str, str]) -> str:
        folder = Path(bids.map_name(self.entities, self.suffix)).parent
        person = bids.build_name({**self.entities, **more}, "").rstrip("_")
        target = self.suffix if self.to is None else self.to
        return str(folder / f"{person}_from-{self.suffix}_to-{target}_mode-image_xfm.txt")


Work = Plain | InDataset


def find_work(
    path: Path, to: str | None, suffix: str | None, subjects: Sequence[str], out: Path | None
) -> list[Work]:
    """All that a command is to register.

    Raises
    ------
    InputError
        If there is none, or the options contradict the kind of input.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        return _in_folder(path, to, suffix, subjects, out)
    for given, name in ((suffix, "--image"), (subjects, "--subject")):
        if given:
            raise InputError(f"{name}: {path} is a file; that is for a BIDS folder")
    if not path.name.endswith(nifti.EXTENSIONS):
        raise InputError(f"{path}: expected a name that ends in .nii.gz or .nii")
    folder = path.with_name(f"{nifti.stem(path)}_{DESC}") if out is None else out
    return [Plain(path, None if to is None else Path(to), folder)]


def _in_folder(
    root: Path, to: str | None, suffix: str | None, subjects: Sequence[str], out: Path | None
) -> list[Work]:
    if suffix is None:
        raise InputError(f"{root}: a BIDS folder; --image SUFFIX says what is moved in it")
    if to is not None and (Path(to).is_file() or to.endswith(nifti.EXTENSIONS)):
        raise InputError(f"--to {to}: a file; in a BIDS folder give a suffix such as T1w")
    if to is not None and suffix in bids.SERIES:
        raise InputError(f"--image {suffix}: a series; --to takes one image, a series --to-first")
    if to is None and suffix not in bids.SERIES:
        raise InputError(
            f"--image {suffix}: no series, --to-first takes one of {', '.join(bids.SERIES)}"
        )
    found = bids.find_series(root, suffix) if to is None else _find_images(root, suffix)
    chosen = {subject.removeprefix("sub-") for subject in subjects}
    missing = sorted(chosen - {entities["sub"] for entities in found})
    if missing:
        raise InputError(f"{root}: no {suffix} of subject {', '.join(missing)}")
    folder = bids.map_folder(root, PIPELINE) if out is None else out
    return [
        InDataset(root, suffix, to, entities, folder)
        for entities in found
        if not chosen or entities["sub"] in chosen
    ]


def _find_images(root: Path, suffix: str) -> list[dict[str, str]]:
    """Entities of every raw image of one suffix, in natural order."""
    from jaxqmri.io.entities import entities_key

    found = {}
    for path in root.glob(f"sub-*/**/*_{suffix}.nii*"):
        name = bids.parse_name(path)
        if name is not None and path.name.endswith(nifti.EXTENSIONS):
            found[tuple(sorted(name.entities.items()))] = name.entities
    if not found:
        raise InputError(f"{root}: no {suffix} image, expected sub-01/anat/sub-01_{suffix}.nii.gz")
    return sorted(found.values(), key=entities_key)


def _person(entities: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in entities.items() if key in ("sub", "ses")}


def _mask_file(path: Path, fixed: nifti.Image) -> tuple[Mask, Path]:
    return _mask_of(nifti.read_image(path), fixed)


def _mask_of(image: nifti.Image, fixed: nifti.Image) -> tuple[Mask, Path]:
    nifti.check_same_grid(image, fixed, "mask")
    mask = np.nan_to_num(image.data) != 0
    if not mask.any():
        raise InputError(f"{image.path}: the mask is empty")
    return mask, image.path
