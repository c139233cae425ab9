"use strict";
(() => {
  const look = JSON.parse(document.getElementById("look").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 560px)");
  const plots = [...document.querySelectorAll(".plot")].map(
    (place) => ({ place, text: place.querySelector("script").textContent }));
  const draw = ({ place, text }, theme) => {
    const own = theme === "dark" ? text.replace(/#[0-9a-f]{6}/g, (one) => look.swaps[one] || one) : text;
    const figure = JSON.parse(own);
    figure.layout.template = look.themes[theme];
    if (narrow.matches) figure.layout.font = { size: 10 };
    Plotly.react(place, figure.data, figure.layout,
      { responsive: true, displayModeBar: false });
  };
  const drawAll = (theme) => { for (const one of plots) if (one.drawn) draw(one, theme); };
  const theme = () => (dark.matches ? "dark" : "light");
  const first = (one) => { if (!one.drawn) { one.drawn = true; draw(one, theme()); } };
  // a chart is drawn when it comes near: a long page opens at once
  const watch = new IntersectionObserver((seen) => {
    for (const entry of seen) {
      if (!entry.isIntersecting) continue;
      watch.unobserve(entry.target);
      first(plots.find((one) => one.place === entry.target));
    }
  }, { rootMargin: "1500px" });
  for (const one of plots) watch.observe(one.place);
  dark.addEventListener("change", () => drawAll(theme()));
  addEventListener("beforeprint", () => { plots.forEach(first); drawAll("light"); });
  addEventListener("afterprint", () => drawAll(theme()));
})();
