"""`citybrain faces`: what decides by face, why it decided, and packs of models."""

import asyncio
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from citybrain.audit.citizens.face import Explanation, decision_at, explain
from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.cli.shared.reading import Purpose, note
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.eventstore import open_event_store
from citybrain.faces.calibration import CALIBRATION
from citybrain.faces.engine import Models
from citybrain.faces.images import decode
from citybrain.faces.importing import import_pack
from citybrain.faces.measuring import calibrate
from citybrain.faces.pack import load_pack
from citybrain.settings import Settings
from citybrain.vault import Vault, open_key_wrapper

app = typer.Typer(no_args_is_help=True)
pack_app = typer.Typer(help="Wrap, check and calibrate packs of models.", no_args_is_help=True)
app.add_typer(pack_app, name="pack")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[Path, typer.Argument(help="Folder of the pack.")]
EVENT = re.compile(r"(citizen-[0-9a-f]{32})@(\d{1,18})")
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@app.command()
def info(as_json: Json = False) -> None:
    """The pack in use, what runs it, and the threshold that decides."""
    settings = Settings()
    pack = load_pack(settings.faces_pack, production=False)
    models = Models(pack, settings.faces_provider)
    point = pack.calibration.at(settings.faces_false_match_rate)
    facts: dict[str, Any] = {
        "pack": pack.pack_id,
        "display_name": pack.display_name,
        "folder": str(pack.folder),
        "development": pack.development,
        "template_version": pack.template_version,
        **{f"{task}_sha256": digest for task, digest in pack.digests.items()},
        **models.runtime,
        **{f"decision_{name}": value for name, value in point.model_dump().items()},
        "impostor_pairs": pack.calibration.impostor_pairs,
    }
    if as_json:
        print_json(facts, indent=True)
        return
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(f"[dim]{name}[/]", str(value))
    console.print(table)


@app.command(name="explain")
def explain_command(
    event: Annotated[str, typer.Argument(help="STREAM@VERSION of a citizen.face_verified event.")],
    purpose: Purpose = "audit",
    as_json: Json = False,
) -> None:
    """Recompute a decision from its sealed sample; exit status 1 where it differs.

    The person will see that the picture was used.
    """
    match = EVENT.fullmatch(event)
    if match is None:
        raise InvalidInput("name the event as citizen-…@VERSION")

    async def run() -> Explanation:
        settings = Settings()
        pack = load_pack(settings.faces_pack, production=False)
        async with open_event_store(settings) as store:
            keys = open_key_wrapper(settings)
            await keys.fit(store.pool)
            vault = Vault(store.pool, keys)
            models = Models(pack, settings.faces_provider)
            await decision_at(store, match[1], int(match[2]))
            await note("face-decision", purpose, "faces explain", [match[1]], store)
            return await explain(store, vault, models, match[1], int(match[2]))

    found = asyncio.run(run())
    if as_json:
        print_json(asdict(found) | {"same": found.same}, indent=True)
    else:
        _print(found)
    if not found.same:
        raise typer.Exit(1)


def _print(found: Explanation) -> None:
    recorded = found.recorded
    verdict = "matched" if recorded["matched"] else "not matched"
    console.print(
        f"{found.stream_id} at version {found.version}: {verdict} for {recorded['purpose']}\n"
        f"  score {recorded['score']:.7f}, threshold {recorded['threshold']:.7f}: at it, "
        f"{recorded['false_match_rate']:g} of {recorded['impostor_pairs']} pairs of strangers "
        f"matched (at most {recorded['false_match_rate_upper_95']:.2g}, 95 %)\n"
        f"  models {recorded['pack_id']}, {recorded['runtime']}\n"
        f"  quality {recorded['quality']}\n"
        f"  recomputed score {found.recomputed_score:.7f}, difference {found.difference:.1e}"
        f"{'' if found.same_runtime else ', on another runtime'}\n"
        f"  the decision is {'the same' if found.same else '[red]different[/]'}"
    )


@pack_app.command(name="import")
def import_command(
    folder: Folder,
    pack_id: Annotated[str, typer.Option("--id", help="Id of the pack.")],
    detector: Annotated[Path, typer.Option(help="SCRFD detector (.onnx).")],
    recogniser: Annotated[Path, typer.Option(help="ArcFace recogniser (.onnx).")],
    licence: Annotated[Path, typer.Option(help="The licence you use the models under.")],
    name: Annotated[str | None, typer.Option(help="Name to show.")] = None,
    dimension: Annotated[int, typer.Option(help="Numbers in an embedding.", min=64)] = 512,
) -> None:
    """Wrap model files of your own as a pack."""
    import_pack(
        folder,
        pack_id=pack_id,
        display_name=name or pack_id,
        detector=detector,
        recogniser=recogniser,
        licence=licence,
        dimension=dimension,
    )
    Models(load_pack(folder, production=False), "cpu")
    console.print(f"{folder} is a pack; now `citybrain faces pack calibrate {folder} PICTURES`")


@pack_app.command(name="check")
def check_command(folder: Folder, as_json: Json = False) -> None:
    """Check digests, licence and calibration, and load the models."""
    pack = load_pack(folder, production=False)
    calibration = pack.calibration
    Models(pack, "cpu")
    if as_json:
        print_json(
            {
                "pack": pack.pack_id,
                "development": pack.development,
                "digests": pack.digests,
                "calibration": calibration.model_dump(),
            },
            indent=True,
        )
        return
    console.print(f"{pack.display_name}: digests, licence and models are in order")
    table = Table("false-match rate", "threshold", "true-match rate", "at most (95 %)")
    for point in calibration.points:
        table.add_row(
            f"{point.false_match_rate:g}",
            f"{point.threshold:.4f}",
            f"{point.true_match_rate:.4f}",
            f"{point.upper_95:.2e}",
        )
    console.print(table)


@pack_app.command(name="calibrate")
def calibrate_command(
    folder: Folder,
    pictures: Annotated[
        Path, typer.Argument(help="PERSON/PICTURE.jpg: a folder a person.", file_okay=False)
    ],
) -> None:
    """Measure thresholds on pictures of your own people; writes calibration.json."""
    pack = load_pack(folder, production=False)
    models = Models(pack, "auto")
    files = sorted(path for path in pictures.glob("*/*") if path.suffix.lower() in PICTURES)
    embeddings, persons = [], []
    with progress_bar("finding faces") as progress:
        for number, path in enumerate(files, 1):
            try:
                (found,) = models.analyse([decode(path.read_bytes())])
            except CitybrainError:
                continue
            finally:
                progress(number, len(files))
            if not isinstance(found, Exception):
                embeddings.append(found.embedding)
                persons.append(path.parent.name)
    if not embeddings:
        raise InvalidInput(f"no picture under {pictures} shows one face")
    calibration = calibrate(
        np.stack(embeddings),
        persons,
        pack_id=pack.pack_id,
        digests=pack.digests,
        made_from=f"{len(embeddings)} pictures of {len(set(persons))} people",
    )
    (folder / CALIBRATION).write_text(calibration.model_dump_json(indent=1) + "\n")
    console.print(
        f"{len(embeddings)} of {len(files)} pictures used: {calibration.genuine_pairs} genuine, "
        f"{calibration.impostor_pairs} impostor pairs"
    )
    check_command(folder)
