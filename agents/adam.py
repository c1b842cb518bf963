"""Adam without what torch wraps around its optimizers for its compiler."""

from __future__ import annotations

import inspect

import torch


class Adam(torch.optim.Adam):
    """As `torch.optim.Adam`, to the bit; but the first use does not import torch's compiler.

    torch marks the methods of optimizers for `torch.compile`, and imports that compiler when one is called:
    1.2 s of a process whose whole training may take 5, for something that is never used here.
    """

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
