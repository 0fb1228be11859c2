"""Many videos: what is to do, the engines that do it, and a manifest so that nothing is done twice.

`settings`, `manifest` and `planning` are free of I/O; `sources`, `video_job` and the engines touch files.
"""
