// Before a page's own scripts, and those of its frames: a service worker is registered once the test calls
// `letRegister`.

const { register } = ServiceWorkerContainer.prototype;
ServiceWorkerContainer.prototype.register = async function (...how) {
  await new Promise((resolve) => {
    globalThis.top.letRegister = resolve;
  });
  return register.apply(this, how);
};
