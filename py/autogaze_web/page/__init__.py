"""The Python side of the page: sessions that process frames for the browser, and the bridge to the model.

JavaScript imports ``live_session``, ``clip_session`` and ``model`` by name; no other room imports this one.
"""
