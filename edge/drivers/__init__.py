"""Drivers of the car's hardware, behind small protocols.

| protocol | where | hardware |
|---|---|---|
| `pulses.Pulses` | the guard | DeepRacer (sysfs PWM and GPIO), PCA9685 over I2C |
| `camera.Camera` | the runtime | V4L2, or JPEG frames from a file |
| `battery.Battery` | the runtime | DeepRacer's gauge over I2C |

Every path lies under a root folder that is given, so that all of it runs on a copy of the kernel's files.
Libraries that only one driver needs are imported when it is opened.
"""
