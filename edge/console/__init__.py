"""The console: a page of the car's own, to watch and drive it with a phone.

    browser <-> console (web server, drive loop) <-> socket <-> guard -> servo, motor

The console is one process: a web server, and the same drive loop as `hairpin-car drive` in a thread of its
own. It moves nothing itself: each command goes to the guard, which alone writes to the servo and the motor,
and which stops the car when the console dies, hangs or loses the person who drives.

How it knows that the person is there: it sends "ticks", 20 times a second, the page sends each back, and the
car may move for `LEASE` after the tick that came back last. The time counts from when the tick was sent, so a
network that delays everything lets the car stop, too; no clock but the car's own is asked.

One page at a time holds the wheel. Anybody who reaches the console may stop the car, without a password;
nobody else may see anything.
"""
