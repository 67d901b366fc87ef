// Shows how far a simulation is, and loads the page anew when it has ended.
const LOOK_EVERY_MS = 1000;
const bar = document.querySelector('progress[data-simulation]');
const percent = document.querySelector('.running__percent');

const look = async () => {
  const answer = await fetch(bar.dataset.simulation, {headers: {Accept: 'application/json'}}).catch(() => null);
  if (answer?.ok) {
    const {state, progress_percent: done} = await answer.json();
    if (state !== 'waiting' && state !== 'running') return location.reload();
    bar.value = done;
    percent.textContent = `${done} %`;
  }
  return setTimeout(look, LOOK_EVERY_MS);
};

setTimeout(look, LOOK_EVERY_MS);
