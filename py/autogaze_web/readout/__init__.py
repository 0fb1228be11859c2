"""How a vision encoder reads the chosen patches: projections to token grids, and NVIDIA's ``gazing_info``.

Plain functions over arrays.
"""
