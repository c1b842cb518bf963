"""How fast a policy is on the car's kind of processor: engines side by side, then the whole runtime.

    gcc -O2 -shared -fPIC -o no_avx.so benchmarks/no_avx.c
    python -m benchmarks.edge RUN [RUN ...] --no-avx ./no_avx.so [--seconds 60]

Each engine runs in a process of its own, with one thread; they take turns in random order, so that what else
the computer does meets all of them. onnxruntime takes part where it is installed with onnx and onnxscript.
Then the runtime drives through the guard to files in the kernel's layout, from a camera that replays JPEGs:
"total" is from a frame's arrival to the guard's answer, after its write to the PWM.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from hairpin.edge.bench import cpu_name, instruction_set, memory, pictures

_ROUNDS: Final = 12
_CALLS: Final = 25  # of each engine in a round
_ENGINES: Final = ("openvino fp32", "openvino fp16", "openvino int8", "torch", "onnxruntime")
_RIG: Final = Path(__file__).parents[1] / "tests" / "edge"


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, help="run folders; each is a network")
    parser.add_argument("--no-avx", type=Path, help="the library that hides AVX; all that is measured has it")
    parser.add_argument("--seconds", type=float, default=60.0, help="of driving at each frame rate")
    parser.add_argument("--worker", nargs=2, metavar=("ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--drive", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work(given.worker[0], Path(given.worker[1]))
        return
    if given.drive:
        bundle, socket, fps, began = given.drive
        _drive(Path(bundle), socket, float(fps), given.seconds, float(began))
        return
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if given.no_avx is not None:
        environment["LD_PRELOAD"] = str(given.no_avx.resolve())
    print(f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for run in given.runs:
        with tempfile.TemporaryDirectory() as folder:
            _prepare(run, Path(folder))
            _engines(run, Path(folder), environment)
            for precision in ("fp32", "int8"):
                for fps in (30, 60):
                    _runtime(Path(folder) / f"{precision}.tar.gz", fps, given.seconds, environment)


def _prepare(run: Path, folder: Path) -> None:
    """Export the run's policy for each engine."""
    import torch

    from hairpin.agents import export, open_run
    from hairpin.agents.head import PolicyHead
    from hairpin.agents.learner import load_model

    for precision in ("fp32", "fp16", "int8"):
        export(run, folder / f"{precision}.tar.gz", precision=precision)
    from hairpin.edge.bundle import read_bundle

    frames = read_bundle(folder / "fp32.tar.gz").golden.frames
    np.save(folder / "frames.npy", frames)
    opened = open_run(run)
    head = PolicyHead(load_model(opened.best.path, opened.contract.algorithm)).eval()
    example = torch.from_numpy(frames[:1])
    torch.jit.trace(head, example).save(str(folder / "torch.pt"))
    try:
        import onnxruntime  # noqa: F401

        torch.onnx.export(head, (example,), str(folder / "model.onnx"), dynamo=False)
    except ImportError as error:
        print(f"without onnxruntime: {error}")


def _engines(run: Path, folder: Path, environment: dict[str, str]) -> None:
    """Time the engines, taking turns."""
    engines = [e for e in _ENGINES if e != "onnxruntime" or (folder / "model.onnx").exists()]
    workers = {
        engine: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.edge", "--worker", engine, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment,
        )
        for engine in engines
    }  # fmt: skip
    ready = {engine: _line(worker) for engine, worker in workers.items()}
    samples: dict[str, list[Any]] = {engine: [] for engine in engines}
    turns = random.Random(0)
    for _ in range(_ROUNDS):
        for engine in turns.sample(engines, len(engines)):
            samples[engine] += _ask(workers[engine], "time")
    print(f"\n{run.name}: {_ROUNDS * _CALLS} frames each, one thread, load {os.getloadavg()[0]:.1f}")
    print("engine          p50 ms   p99 ms  cpu p50  load s   RSS MiB  agree  kernels")
    truth = np.array(_ask(workers["torch"], "outputs"))
    for engine, worker in workers.items():
        kernels = ready[engine]["kernels"]
        wall, cpu = (1e3 * np.array(samples[engine])).T
        outputs = np.array(_ask(worker, "outputs"))
        agree = float((outputs.argmax(1) == truth.argmax(1)).mean())
        final = _ask(worker, "end")
        print(
            f"{engine:14} {np.median(wall):7.3f} {np.quantile(wall, 0.99):8.3f} {np.median(cpu):8.3f} "
            f"{ready[engine]['load']:7.2f} {final['resident_mib']:9.0f} {agree:6.2f}  {kernels}",
            flush=True,
        )
        worker.wait()


def _line(worker: subprocess.Popen[str]) -> Any:
    assert worker.stdout is not None
    return json.loads(worker.stdout.readline())


def _ask(worker: subprocess.Popen[str], question: str) -> Any:
    assert worker.stdin is not None
    worker.stdin.write(question + "\n")
    worker.stdin.flush()
    return _line(worker)


def _work(engine: str, folder: Path) -> None:
    """Answer questions about one engine."""
    frames = np.load(folder / "frames.npy")
    began = time.perf_counter()
    infer, kernels = _load(engine, folder)
    for frame in frames:
        infer(frame[None])
    print(json.dumps({"load": time.perf_counter() - began, "kernels": kernels}), flush=True)
    for question in sys.stdin:
        if question == "end\n":
            print(json.dumps(memory()), flush=True)
            return
        if question == "outputs\n":
            print(json.dumps([infer(frame[None])[0].tolist() for frame in frames]), flush=True)
            continue
        taken = []
        for i in range(_CALLS):
            frame = frames[i % len(frames)][None]
            wall, cpu = time.perf_counter(), time.process_time()
            infer(frame)
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
        print(json.dumps(taken), flush=True)


def _load(engine: str, folder: Path) -> tuple[Any, str]:
    """A function from frames to outputs, and the kernels' names where the engine tells them."""
    if engine == "torch":
        import torch

        torch.set_num_threads(1)
        model = torch.jit.freeze(torch.jit.load(str(folder / "torch.pt")).eval())

        def by_torch(frames: Any) -> Any:
            with torch.inference_mode():
                return model(torch.from_numpy(frames)).numpy()

        return by_torch, torch.backends.cpu.get_cpu_capability()
    if engine == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        name = session.get_inputs()[0].name
        return lambda frames: session.run(None, {name: frames})[0], ""
    from hairpin.edge.policy import Policy

    policy = Policy.load(folder / f"{engine.split()[1]}.tar.gz")
    return policy.predict, f"{instruction_set(policy.kernels())}: {', '.join(policy.kernels())}"


def _runtime(bundle: Path, fps: int, seconds: float, environment: dict[str, str]) -> None:
    """Drive through the guard; time from frame to PWM."""
    sys.path.insert(0, str(_RIG))
    from car_rig import GuardProcess  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        guard = GuardProcess(Path(folder))
        with contextlib.suppress(PermissionError):  # as the guard's unit does
            os.sched_setscheduler(guard.process.pid, os.SCHED_FIFO, os.sched_param(50))
        try:
            arguments = ["--drive", str(bundle), str(guard.socket), str(fps), str(time.monotonic())]
            command = [sys.executable, "-m", "benchmarks.edge", "--seconds", str(seconds), *arguments]
            result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        finally:
            guard.end()
    found = json.loads(result.stdout)
    total = found["latency_ms"]["total"]
    stages = ", ".join(f"{name} {value['p50']:.2f}" for name, value in found["latency_ms"].items())
    print(
        f"  {bundle.name.removesuffix('.tar.gz')} {fps} frames/s: total p50 {total['p50']:.2f}, "
        f"p99 {total['p99']:.2f}, longest {total['longest']:.2f} ms ({stages}); {found['counts']}; "
        f"armed after {found['cold']:.2f} s, {found['resident_mib']:.0f} MiB{found['stopped']}",
        flush=True,
    )


def _drive(bundle: Path, socket: str, fps: float, seconds: float, began: float) -> None:
    """The runtime, armed as soon as it is ready."""
    from hairpin.edge.drivers.camera import ReplayCamera
    from hairpin.edge.guard.client import GuardLink
    from hairpin.edge.lease import Lease
    from hairpin.edge.live import LiveDrive, Settings
    from hairpin.edge.policy import Policy
    from hairpin.edge.reasons import Reason

    policy = Policy.load(bundle)
    jpegs, lease = [eyes[0] for eyes in pictures(policy)], Lease(3600.0)
    lease.renew()
    car = LiveDrive(
        policy,
        lambda: ReplayCamera(jpegs, fps),
        lambda: GuardLink(socket),
        lease=lease,
        settings=Settings(scale=1.0),
    )
    thread = threading.Thread(target=car.run)
    thread.start()
    while car.arm() is not Reason.NONE:
        time.sleep(0.005)
    cold = time.monotonic() - began
    time.sleep(seconds)
    status = car.status()
    car.stop()
    thread.join()
    counts = {name: count for name, count in status.counts.items() if count}
    found = {"cold": cold, "latency_ms": status.latency_ms, "counts": counts, **memory()}
    print(json.dumps(found | {"stopped": "" if status.armed else f", stopped: {status.reason.text}"}))


if __name__ == "__main__":
    main()
