// A page without figures.

watchTheme(() => {});
document.documentElement.dataset.state = "ready";
