"""What the browser calls: sessions that turn frames into panels, and the bridge to the model.

Runs under Pyodide, and natively in tests; nothing else of the package imports it.
"""
