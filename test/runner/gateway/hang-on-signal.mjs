// Preloaded into a process of a test: at SIGUSR2 its event loop stands still for good.
process.on("SIGUSR2", () => {
  for (;;);
});
