"""Examples to start from, each one a plain file as DeepRacer users write them."""
