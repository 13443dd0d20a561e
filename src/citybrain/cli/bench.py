"""`citybrain bench`: measure speed and memory beside limits and peers; JSON lines and a table.

The benchmarks themselves live in a checkout of the project (`ops/bench`), not in the installed
package.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
import uvloop

from citybrain.cli.shared.checkout import of_checkout

app = typer.Typer(no_args_is_help=True)

Rounds = Annotated[int, typer.Option(min=1, help="Interleaved rounds; medians are reported.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="Length of one measurement.")]
Lines = Annotated[str | None, typer.Option(help="Only these lines, comma-separated.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, writable=True,
        help="Where the temporary PostgreSQL is put; it must be on a disk.",
    ),
]  # fmt: skip

Sessions = Annotated[int, typer.Option(min=1, help="Parking sessions that are rebuilt.")]
BENCHMARKS = "citybrain bench: the benchmarks are"
Scenarios = Annotated[
    list[str] | None, typer.Option(help="A network of ours or of RESCO; several times for several.")
]
Strategies = Annotated[
    list[str] | None, typer.Option(help="Who controls the lights; all where none is named.")
]
Scales = Annotated[list[float] | None, typer.Option(help="Of the demand; 1.0 where none is named.")]
Tables = Annotated[
    list[str] | None,
    typer.Option(help="Safety times of a table: own, 3s, cautious; own where none is named."),
]
Window = Annotated[
    int | None, typer.Option(min=60, help="Only the first seconds of each scenario.")
]
Failing = Annotated[list[float] | None, typer.Option(help="Share of cameras that fail, 0 to 1.")]
Intersections = Annotated[
    int | None,
    typer.Option(min=1, help="No streets: servers that drive a made-up city of so many."),
]
Servers = Annotated[int, typer.Option(min=1, help="How many share the intersections.")]
Slower = Annotated[
    float, typer.Option(min=1, help="The city's clock goes so many times slower than ours.")
]
Kill = Annotated[bool, typer.Option("--kill", help="Kill one of the servers at the end.")]
NO_SIZES: Mapping[str, int] = MappingProxyType({})


@app.command("append")
def append(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Durable appends per second: 1 to 512 writers, batches, one hot stream, processes."""
    _run("append", rounds, seconds, lines, data_dir)


@app.command("replay")
def replay(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Events per second read back and decoded, in the order of the log."""
    _run("replay", rounds, seconds, lines, data_dir)


@app.command("project")
def project(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Events per second into the read models, and the memory of a large rebuild."""
    _run("project", rounds, seconds, lines, data_dir)


@app.command("faces")
def faces(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Verifications per second beside the bare models; searches beside memory bandwidth."""
    _run("faces", rounds, seconds, lines, data_dir)


@app.command("http")
def http(
    rounds: Rounds = 3,
    seconds: Seconds = 3.0,
    lines: Lines = None,
    data_dir: DataDir = None,
    processes: Annotated[
        str | None, typer.Option(help="Only `serve --processes` of so many each, as 1,2.")
    ] = None,
    open_loop: Annotated[
        bool,
        typer.Option(
            "--open-loop",
            help="At 70 % of what two processes do, at a constant rate; then with one killed.",
        ),
    ] = False,
) -> None:
    """Durable commands per second through server processes."""
    if open_loop:
        loop = of_checkout("ops.bench.http_open_loop", BENCHMARKS)
        work = partial(uvloop.run, loop.run(seconds, 2, data_dir))
        _or_failed("http", work, loop.BenchFailed)
        return
    if processes is not None:
        lines = ",".join(f"processes_{number.strip()}" for number in processes.split(","))
    _run("http", rounds, seconds, lines, data_dir)


@app.command("apply")
def apply(
    rounds: Rounds = 3, seconds: Seconds = 8.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Whole applications per second: seven departments, the rules, the bank."""
    _run("apply", rounds, seconds, lines, data_dir)


@app.command("inspection")
def inspection(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Detections per second into the log and into cases; how fast cases are found again."""
    _run("inspection", rounds, seconds, lines, data_dir)


@app.command("parking")
def parking(
    rounds: Rounds = 3,
    seconds: Seconds = 1.0,
    lines: Lines = None,
    data_dir: DataDir = None,
    sessions: Sessions = 5_000,
) -> None:
    """Signs per second, a crowd for a few berths, the board, the read models rebuilt, prices."""
    _run("parking", rounds, seconds, lines, data_dir, {"sessions": sessions})


@app.command("signals-ingest")
def signals_ingest(
    rounds: Rounds = 3, seconds: Seconds = 3.0, lines: Lines = None, data_dir: DataDir = None
) -> None:
    """Observations of detectors per second on one core, beside parsing and models alone."""
    _run("signals-ingest", rounds, seconds, lines, data_dir)


@app.command("kafka")
def kafka(
    rounds: Rounds = 3,
    seconds: Seconds = 3.0,
    lines: Lines = None,
    data_dir: DataDir = None,
    events: Annotated[int, typer.Option(min=1, help="On which 1, 2, 4 workers catch up.")] = 20_000,
) -> None:
    """Events per second into Kafka and from there into a read model, and how long each takes."""
    _run("kafka", rounds, seconds, lines, data_dir, {"events": events})


@app.command("signals")
def signals(
    scenario: Scenarios = None,
    strategy: Strategies = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 to N - 1.")] = 10,
    scale: Scales = None,
    times: Tables = None,
    processes: Annotated[int, typer.Option(min=1, help="How many runs at a time.")] = 2,
    window: Window = None,
    failing: Failing = None,
    failure: Annotated[str, typer.Option(help="How: silent, stuck or chatter.")] = "silent",
    preempt: Annotated[
        bool, typer.Option("--preempt", help="Also with emergency vehicles that ask for junctions.")
    ] = False,
    buses: Annotated[
        bool, typer.Option("--buses", help="Also with buses that ask where they are late.")
    ] = False,
    teleport: Annotated[
        int, typer.Option(help="Take who is stuck off the street after so many seconds; −1 never.")
    ] = -1,
    intersections: Intersections = None,
    servers: Servers = 1,
    slower: Slower = 1.0,
    seconds: Seconds = 30.0,
    kill: Kill = False,
    data_dir: DataDir = None,
) -> None:
    """Mean delay over all demand by strategy, or how many intersections servers can drive."""
    if intersections is not None:
        scale_up = of_checkout("ops.bench.signals.scale", BENCHMARKS)
        wanted = scale_up.Wanted(intersections, servers, seconds, kill=kill, slower=slower)
        _or_failed("signals", lambda: scale_up.run(wanted, data_dir), scale_up.BenchFailed)
        return
    streets = of_checkout("ops.bench.signals.signals", BENCHMARKS)
    run = partial(
        streets.compare,
        scenario or (),
        strategy or streets.strategies(),
        seeds=seeds,
        scales=scale or (1.0,),
        tables=times or ("own",),
        processes=processes,
        teleport_s=teleport,
        window=window,
        failing=failing or (0.0,),
        failure=failure,
        preempt=preempt,
        buses=buses,
    )
    _or_failed("signals", run, ValueError)


@app.command("signals-outages")
def signals_outages(
    strategy: Annotated[str, typer.Option(help="Who decides while all is well.")] = "fixed",
    seconds: Annotated[float, typer.Option(min=15, help="For how long each is away.")] = 60.0,
) -> None:
    """What the street shows, second by second, while server, PostgreSQL or network are away."""
    ops = of_checkout("ops.bench.signals.outages", "citybrain bench: the benchmarks are")
    try:
        asyncio.run(ops.outages(strategy, seconds))
    except (ops.BenchFailed, ValueError) as error:
        typer.echo(f"citybrain bench signals-outages: {error}", err=True)
        raise typer.Exit(1) from error


@app.command("profile")
def profile(
    subject: Annotated[str, typer.Argument(help="http, project or apply.")],
    seconds: Seconds = 5.0,
    data_dir: DataDir = None,
    stacks: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Add folded stacks to this file, for a flame graph."),
    ] = None,
) -> None:
    """Which modules the CPU time goes to, of a report, the read models or an application."""
    ops = of_checkout("ops.bench.profile", BENCHMARKS)
    run = ops.profile(subject, seconds=seconds, data_dir=data_dir, stacks=stacks)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _or_failed(f"profile {subject}", lambda: runner.run(run), ops.BenchFailed, ValueError)


@app.command("commands")
def commands(
    number: Annotated[int, typer.Option(min=10, max=1000, help="So many of each kind.")] = 1_000,
    data_dir: DataDir = None,
) -> None:
    """What each kind of command costs the server in CPU, beside a report."""
    ops = of_checkout("ops.bench.commands", BENCHMARKS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = ops.run(number, data_dir)
        _or_failed("commands", lambda: runner.run(run), ops.BenchFailed)


@app.command("pieces")
def pieces(
    rounds: Annotated[int, typer.Option(min=10, help="Of which the least counts.")] = 400,
) -> None:
    """What the pieces of a command cost by themselves: figures that hold on a busy machine."""
    of_checkout("ops.bench.pieces", BENCHMARKS).run(rounds)


@app.command("soak")
def soak(
    commands: Annotated[int, typer.Option(min=100, help="So many.")] = 1_000_000,
    steps: Annotated[int, typer.Option(min=0, max=9, help="That follow a report.")] = 9,
    seconds: Annotated[float, typer.Option(min=3, help="The longest that it takes.")] = 600.0,
    connections: Annotated[int, typer.Option(min=1, help="Callers at a time.")] = 64,
    workers: Annotated[
        bool, typer.Option("--workers", help="With the read models in the same process.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """The memory of a server over a million commands: how much, and whether it goes on growing."""
    ops = of_checkout("ops.bench.soak", BENCHMARKS)
    run = ops.run(
        commands, seconds, data_dir, steps=steps, connections=connections, workers=workers
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _or_failed("soak", lambda: runner.run(run), ops.BenchFailed)


@app.command("boards")
def boards(
    boards: Annotated[int, typer.Option(min=2, help="Screens that follow.")] = 200,
    phones: Annotated[int, typer.Option(min=1, help="People who report and read.")] = 50,
    seconds: Seconds = 15.0,
    data_dir: DataDir = None,
) -> None:
    """How late 200 boards are told while 50 phones are busy, and what that costs the server."""
    ops = of_checkout("ops.bench.boards", BENCHMARKS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = ops.run(boards, phones, seconds, data_dir)
        _or_failed("boards", lambda: runner.run(run), ops.BenchFailed)


@app.command("all")
def everything(rounds: Rounds = 3, seconds: Seconds = 3.0, data_dir: DataDir = None) -> None:
    """Every benchmark, one after the other; what this machine has not is skipped, and says so."""
    ops = of_checkout("ops.bench.run", BENCHMARKS)
    for bench in ops.MODULES:
        if missing := ops.missing(bench):
            typer.echo(f"citybrain bench {bench}: skipped: {missing}", err=True)
        else:
            _run(bench, rounds, seconds, None, data_dir)


def _run(
    bench: str,
    rounds: int,
    seconds: float,
    lines: str | None,
    data_dir: Path | None,
    sizes: Mapping[str, int] = NO_SIZES,
) -> None:
    ops = of_checkout("ops.bench.run", BENCHMARKS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                ops.run_bench(
                    bench,
                    rounds=rounds,
                    seconds=seconds,
                    lines=lines,
                    data_dir=data_dir,
                    sizes=sizes,
                )
            )
    except (ops.BenchFailed, ValueError) as error:
        typer.echo(f"citybrain bench {bench}: {error}", err=True)
        raise typer.Exit(1) from error


def _or_failed(bench: str, run: Callable[[], object], *failures: type[Exception]) -> None:
    try:
        run()
    except failures as error:
        typer.echo(f"citybrain bench {bench}: {error}", err=True)
        raise typer.Exit(1) from error
