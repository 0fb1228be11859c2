/**
 * Python as the page starts it, without the page: what comes with it, and what can be added.
 * @module
 */

/**
 * @param {{ wheel: string }} build
 * @returns {Promise<string[]>} the modules that Python had to compile
 */
export async function startPython(build) {
  const runtime = new URL("runtime/pyodide/", location.href).href;
  const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
  const wheel = new URL(build.wheel, location.href).href;
  const packages = ["numpy", wheel];
  const pyodide = await loadPyodide({ indexURL: runtime, packageBaseUrl: runtime, packages });
  pyodide.runPython(`
    import sys
    from autogaze_web.page.live_session import PageSession
    session = PageSession()
    session.configure("{}")
    for index in range(3):
        session.draw_synthetic("synthetic-pan", index, 90, 160)
        session.process()
    specs = [module.__spec__ for module in sys.modules.values() if getattr(module, "__spec__", None)]
    files = [spec.origin for spec in specs if spec.has_location]
  `);
  const sources = pyodide.runPython("[name for name in files if name.endswith('.py')]").toJs();
  pyodide.runPython(`
    import importlib.metadata
    import numpy as np
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    assert np.allclose(np.linalg.inv(matrix) @ matrix, np.eye(2))
    assert np.unique([3, 1, 3]).tolist() == [1, 3]
    assert np.einsum("ij->j", matrix).tolist() == [3, 4]
    assert np.ma.masked_less(matrix, 2).sum() == 5
    assert np.__version__ == importlib.metadata.version("numpy")
    assert [file for file in importlib.metadata.files("numpy") if "LICENSE" in file.name]
    assert all(file.locate().is_file() for file in importlib.metadata.files("numpy"))
  `);
  const more = await (await fetch(`${runtime}more_numpy.zip`)).arrayBuffer();
  pyodide.unpackArchive(more, "zip", { extractDir: pyodide.runPython("np.__path__[0] + '/..'") });
  pyodide.runPython(`
    assert np.fft.ifft(np.fft.fft([1, 2, 3])).real.round(9).tolist() == [1, 2, 3]
    assert 0 <= np.random.default_rng(1).random() < 1
    assert np.polynomial.Polynomial([0, 2])(3) == 6
  `);
  return sources;
}
