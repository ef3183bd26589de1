"""What a network costs and sees: sizes, parameters, operations, memory, receptive fields."""
