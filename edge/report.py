"""What the command line says, for programs and for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from .policy import TOLERANCE, Policy


def describe(policy: Policy) -> dict[str, Any]:
    """What a verified policy is, as JSON."""
    bundle, contract = policy.bundle, policy.contract
    return {
        "verified": True,
        "sha256": bundle.digest,
        "precision": bundle.precision,
        "origin": bundle.origin,
        "engine": policy.engine,
        "contract": json.loads(contract.to_json()),
        "golden_frames": len(bundle.golden.frames),
        "golden_difference": policy.golden_difference,
        "golden_tolerance": TOLERANCE[bundle.precision],
        "members": {
            name: {"size": bundle.sizes[name], "sha256": bundle.digests[name]}
            for name in sorted(bundle.sizes)
        },
    }


def about(policy: Policy) -> dict[str, str]:
    """What a recording says about the policy that drove."""
    return {
        "contract": policy.contract.to_json(),
        "bundle": policy.bundle.digest,
        "origin": policy.bundle.origin,
        "precision": policy.bundle.precision,
        "engine": policy.engine,
        "machine": f"{platform.machine()} {platform.system()} {platform.release()}",
    }


def describe_as_text(description: Mapping[str, Any]) -> str:
    """The same for people."""
    contract = description["contract"]
    seen = contract["observation"]
    colour = {1: "gray", 2: "gray, left and right", 3: "RGB"}[seen["channels"]]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(contract["versions"].items()))
    lines = [
        _row("policy", f"{contract['algorithm'].upper()}, network {contract['network'] or 'not named'}"),
        _row("from", description["origin"] or "not named"),
        _row("track", _fingerprint(contract["track"])),
        _row("reward", _fingerprint(contract["reward"])),
        _row(
            "sees", f"{seen['sensor']}, camera {seen['camera']!r}, {seen['width']}x{seen['height']} {colour}"
        ),
        *_lidar(seen["lidar"]),
        _row("crop", "top {}, bottom {}, left {}, right {} pixels".format(*seen["crop"])),
        _row("rate", f"{contract['control_hz']:g} Hz"),
        _row("precision", description["precision"]),
        _row("made with", versions or "not named"),
        _row("sha256", description["sha256"]),
        "",
        *_actions(contract["actions"]),
        "",
        "  member                    bytes  sha256",
    ]
    for name, member in description["members"].items():
        lines.append(f"  {name:20} {member['size']:10,}  {member['sha256'][:16]}")
    lines += [
        "",
        f"verified on {description['engine']}: hashes, contract, and {description['golden_frames']} golden "
        f"frames (largest difference {description['golden_difference']:.1e}, "
        f"limit {description['golden_tolerance']:.0e})",
    ]
    return "\n".join(lines)


def bench_as_text(result: Mapping[str, Any]) -> str:
    """What `bench.measure` returned, for people."""
    total = {name: result[f"{name}_ms"] for name in ("p50", "p90", "p99", "longest")}
    width, height = result["camera_frame"]
    rows, columns, channels = result["observation"]
    lidar = f" and {result['lidar']}" if result["lidar"] else ""
    return "\n".join(
        [
            f"{result['frames']} frames {width}x{height} JPEG -> {columns}x{rows}x{channels}{lidar}, "
            f"{result['precision']}, {result['engine']}",
            *_latency({**result["stages"], "total": total}),
            f"{result['fps']:g} frames a second; {', '.join(_fit(*item) for item in result['fits'].items())}",
            _row("processor", f"{result['cpu']}, kernels for {result['instruction_set']}"),
            _row("kernels", ", ".join(result["kernels"]) or "not named"),
            *_memory(result),
        ]
    )


def _fit(rate: str, fits: bool) -> str:
    return f"{rate} frames/s {'fit' if fits else 'do not fit'}"


def _memory(result: Mapping[str, Any]) -> Iterable[str]:
    if "resident_mib" in result:
        now, most = result["resident_mib"], result["resident_peak_mib"]
        yield _row("memory", f"{now:.0f} MiB resident, {most:.0f} at most")


def rehearsal_as_text(result: Mapping[str, Any]) -> str:
    """What `rehearsal.run` returned, for people."""
    lines = [
        _row("track", f"{result['track']}, {result['direction']}, {result['physics']} physics"),
        _row("completed", f"{result['completed']} of {result['trials']} trials"),
        _row("best lap", _seconds(result["best_lap"])),
        _row("mean lap", _seconds(result["mean_lap"])),
        _row("mean speed", f"{result['mean_speed']:.2f} m/s" if result["mean_speed"] is not None else "none"),
        _row("off track", f"{result['off_tracks']} times"),
        *_live(result),
        *_latency(result["latency_ms"]),
    ]
    return "\n".join(lines)


SWEEP_HEAD = "latency [ms]  completed  mean lap [s]"


def sweep_row(row: Mapping[str, Any]) -> str:
    """One latency of `rehearsal.sweep`, under `SWEEP_HEAD`."""
    lap = "-" if row["mean_lap"] is None else f"{row['mean_lap']:.2f}"
    completed = f"{row['completed']} of {row['trials']}"
    return f"{row['latency_ms']:12}  {completed:>9}  {lap:>12}"


def sweep_as_text(result: Mapping[str, Any]) -> str:
    """What `rehearsal.sweep` came to, for people who saw its rows."""
    if result["survives_ms"] is None:
        return f"on {result['track']}, {result['physics']} physics, it fails without any added latency"
    more = "or more: no trial failed" if result["rows"][-1]["latency_ms"] == result["survives_ms"] else ""
    return (
        f"on {result['track']}, {result['physics']} physics, all trials are completed with up to "
        f"{result['survives_ms']} ms of added latency {more}".rstrip()
    )


def _live(result: Mapping[str, Any]) -> Iterable[str]:
    """What only a rehearsal in real time has."""
    if "frames" not in result:
        return
    frames = ", ".join(f"{count} {what}" for what, count in result["frames"].items() if count)
    added = f"{result['added_latency_ms']:g} ms added, {result['dropped']:.0%} of the frames dropped"
    yield _row("camera", f"{result['fps']:g} frames/s, {added}")
    yield _row("frames", frames or "none")
    for reason, count in result["stops"].items():
        yield _row("stopped", f"{count} times: {reason}")
    if result["slipped"]:
        yield _row("too slow", f"the simulator had to wait for this computer for {result['slipped']:.1f} s")


def _row(name: str, value: str) -> str:
    return f"{name:12} {value}"


def _lidar(lidar: Mapping[str, Any] | None) -> Iterable[str]:
    if lidar is None:
        return
    parts = (
        f", {lidar['num_sectors']} sectors of {lidar['num_values_per_sector']} values "
        f"up to {lidar['clipping_dist']:g} m"
    )
    yield _row("and", lidar["sensor"] + (parts if lidar["sensor"].startswith("DISCRETIZED") else ""))


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f} s"


def _fingerprint(value: Mapping[str, str]) -> str:
    return f"{value['name'] or 'not named'}  {value['digest'][:16]}".rstrip()


def _actions(actions: Mapping[str, Any]) -> Iterable[str]:
    if actions["type"] == "continuous":
        yield "  continuous      from      to"
        for i, (name, unit) in enumerate((("steering", "deg"), ("speed", "m/s"))):
            yield f"  {name:9}  {actions['low'][i]:9g} {actions['high'][i]:7g}  {unit}"
        return
    yield "  action  steering [deg]  speed [m/s]"
    for i, (steering, speed) in enumerate(actions["actions"]):
        yield f"  {i:6}  {steering:14g}  {speed:11g}"


def _latency(stages: Mapping[str, Mapping[str, float]]) -> Iterable[str]:
    yield "  latency [ms]     p50      p90      p99  longest"
    for stage, values in stages.items():
        yield f"  {stage:12}" + "".join(f" {values[name]:8.3f}" for name in ("p50", "p90", "p99", "longest"))
