"""The guard: a process of its own, and the only one that moves the car.

A PWM output keeps its last pulse when the process that wrote it dies or hangs: the car would drive on. So the
servo and the motor belong to this small program, which knows no camera, no policy and no network (the
standard library alone), and whatever drives asks it over a local socket. It moves the car only while it is
armed, and each command carries the time until which it holds: 250 ms after the camera frame that it came
from, at most. A client that dies (end of file), stops or hangs (no command in time), or babbles (not a
number, out of range) brings the motor to neutral, then switches the outputs off; only a new, explicit arming
brings them back.

Anybody who reaches the socket may stop the car, but only the client that armed it may move it. The guard
clips throttle, and limits how fast throttle grows and steering turns. It reads monotonic clocks alone,
writes no file but the outputs, and keeps no log that a full disk or a full pipe could hold up: its state is
asked over the socket. What is left is the guard's own death: systemd then runs `hairpin-guard --neutral`,
and restarts it.
"""
