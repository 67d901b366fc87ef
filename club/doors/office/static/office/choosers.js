// Wagtail's date and time fields start themselves by a script inline, which our policy forbids. Our
// templates leave a <template> beside the field instead, and this starts them, late ones too.
const start = (mark) => {
  const {chooser, field, config} = mark.dataset;
  mark.remove();
  window[chooser](field, JSON.parse(config));
};

const startAll = () => document.querySelectorAll('template[data-chooser]').forEach(start);

document.addEventListener('DOMContentLoaded', () => {
  startAll();
  new MutationObserver(startAll).observe(document.body, {childList: true, subtree: true});
});
