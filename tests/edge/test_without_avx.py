"""An Atom-class processor knows no AVX; an instruction of it would kill the program."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from tiny_policies import WriteBundle

CODE = """
import json, sys
from hairpin.edge import Policy
from hairpin.edge.bench import pictures
from hairpin.edge.drivers.jpeg import decode
policy = Policy.load(sys.argv[1])
frame = decode(pictures(policy)[0][0], policy.contract.observation)
print(json.dumps([policy.golden_difference, policy.kernels(), list(policy(frame))]))
"""


def infer(path: str, *before: str) -> list:
    command = [*before, sys.executable, "-c", CODE, path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


@pytest.mark.parametrize("fp16", [False, True])
def test_a_bundle_loads_and_infers_without_avx(write: WriteBundle, fp16: bool) -> None:
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("no qemu-x86_64: apt-get install qemu-user")
    path = str(write(fp16=fp16))
    # Denverton is the server's Atom of the generation after the DeepRacer's: SSE4.2, no AVX.
    difference, kernels, command = infer(path, qemu, "-cpu", "Denverton")
    assert difference < (1e-2 if fp16 else 1e-4)
    assert not [kernel for kernel in kernels if "avx" in kernel]
    assert command == pytest.approx(infer(path)[2])
