(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const steps = () => document.querySelectorAll("details.step");
  const all = (open) => steps().forEach((step) => { step.open = open; });
  document.getElementById("open-all").addEventListener("click", () => all(true));
  document.getElementById("close-all").addEventListener("click", () => all(false));
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details")) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  document.querySelectorAll('.matrix a[href^="#"]').forEach((link) => link.addEventListener("click", () => setTimeout(reveal)));
  reveal();
  let shut = [];
  addEventListener("beforeprint", () => {
    shut = [...document.querySelectorAll("details:not([open])")];
    shut.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => shut.forEach((one) => { one.open = false; }));
})();
