"""A window that shows pictures as they come, for `render_mode="human"`."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from .errors import SimError

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")


class Window:
    """One window on the screen.

    Args:
        width: Of the pictures [pixels].
        height: Of the pictures [pixels].
        fps: Pictures per second that it is held to, so that people see real time.

    Raises:
        SimError: There is no screen to open it on.
    """

    def __init__(self, width: int, height: int, fps: int) -> None:
        import pygame

        try:
            pygame.display.init()
            self._screen = pygame.display.set_mode((width, height))
        except pygame.error as error:
            raise SimError(
                f"render_mode 'human' needs a screen ({error}): use 'rgb_array', or a video, instead"
            ) from error
        pygame.display.set_caption("Hairpin")
        self._clock = pygame.time.Clock()
        self._fps = fps

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture (height, width, 3) uint8 RGB, no sooner than the frame rate allows."""
        import pygame

        pygame.event.pump()
        self._screen.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close the window."""
        import pygame

        pygame.display.quit()
