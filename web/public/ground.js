// Before the first paint: the ground that was chosen, or the one that the system prefers.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('iobeam-theme');
  } catch (_) {
    // Storage is switched off: the system's choice holds.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
