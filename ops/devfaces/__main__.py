"""`python -m ops.devfaces`: see, train, export and evaluate the development pack."""

import sys
from base64 import b64encode
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import orjson
import typer

from citybrain.faces.pack import DEVELOPMENT_PACK

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False
)
Work = Annotated[Path, typer.Option(help="Folder for training pictures and weights.")]
Pack = Annotated[Path, typer.Option(help="Folder of the pack.")]
WORK = Path("build/devfaces")
PEOPLE, SHOTS, SCENES = 5000, 8, 6000


@app.command()
def sheet(out: Path, people: int = 6, shots: int = 8, side: int = 160) -> None:
    """Draw people (rows) and pictures of them (columns) into one image."""
    from ops.devfaces.renderer import photo

    rows = [
        np.hstack([photo(person, shot, side).image for shot in range(shots)])
        for person in range(people)
    ]
    cv2.imwrite(str(out), np.vstack(rows))


@app.command()
def picture(
    person: Annotated[int, typer.Argument(help="Seed of the person.")],
    turn: Annotated[str, typer.Option(help="neutral, left or right: the person's own side.")] = (
        "neutral"
    ),
    shot: Annotated[int | None, typer.Option(help="Seed of the picture; else a new one.")] = None,
) -> None:
    """Write a JPEG of a person, as a kiosk takes it, to standard output."""
    from ops.devfaces.kiosk import take, take_until_read

    taken = take_until_read(person, turn) if shot is None else take(person, turn, shot)
    sys.stdout.buffer.write(taken)


@app.command()
def frames(
    person: Annotated[int, typer.Argument(help="Seed of the person.")],
    turns: Annotated[list[str], typer.Argument(help="The steps of a challenge.")],
    shot: Annotated[int, typer.Option(help="Seed of the first picture; the next ones follow.")],
) -> None:
    """Print what answers a challenge: a JSON array of JPEGs in base64, one for each step."""
    from ops.devfaces.kiosk import take

    taken = [take(person, turn, shot + number) for number, turn in enumerate(turns)]
    print(orjson.dumps([b64encode(each).decode() for each in taken]).decode())


@app.command()
def render(work: Work = WORK, people: int = PEOPLE, scenes: int = SCENES) -> None:
    """Draw the training pictures."""
    from ops.devfaces import pictures

    drawn = pictures.scenes(scenes, 256)
    pictures.save(work / "scenes.npz", images=drawn.images, faces=drawn.faces, counts=drawn.counts)
    crops, labels = pictures.aligned_crops(range(people), SHOTS)
    pictures.save(work / "crops.npz", crops=crops, labels=labels)


@app.command(name="train-detector")
def train_detector(work: Work = WORK, iterations: int = 2500) -> None:
    """Train the detector; needs torch."""
    from ops.devfaces.pictures import Scenes
    from ops.devfaces.training import train_detector as train

    with np.load(work / "scenes.npz") as drawn:
        scenes = Scenes(drawn["images"], drawn["faces"], drawn["counts"])
    train(scenes, work / "detector.pt", iterations)


@app.command(name="train-recogniser")
def train_recogniser(work: Work = WORK, contrast: int = 1500, classify: int = 3000) -> None:
    """Train the recogniser; needs torch."""
    from ops.devfaces.training import train_recogniser as train

    with np.load(work / "crops.npz") as drawn:
        crops, people = drawn["crops"], int(drawn["labels"][-1]) + 1
    train(crops, people, work / "recogniser.pt", contrast, classify)


@app.command()
def export(work: Work = WORK, pack: Pack = DEVELOPMENT_PACK) -> None:
    """Write the trained networks as a pack; needs torch. Evaluate it next."""
    from ops.devfaces.export import export as write

    write(work / "detector.pt", work / "recogniser.pt", pack)


@app.command()
def evaluate(pack: Pack = DEVELOPMENT_PACK, people: int = 1200) -> None:
    """Measure a pack on people it never saw, print the figures, write its calibration."""
    from ops.devfaces.evaluation import evaluate as measure

    print(orjson.dumps(measure(pack, people), option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    app()
