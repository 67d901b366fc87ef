// The club as an app meets it: plain calls of the public API, the access token in memory only.
import {$, digits, element, grouped, say, shortDay, stage} from './page.js';

const API = '/api/v1';
let token = '';

const call = async (path, {method = 'GET', body, headers = {}} = {}) => {
  const answer = await fetch(API + path, {
    method,
    headers: {
      'Accept-Language': stage.dataset.language,
      ...(token && {Authorization: `Bearer ${token}`}),
      ...(body && {'Content-Type': 'application/json'}),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const told = answer.status === 204 || answer.status === 202 ? {} : await answer.json();
  if (answer.status === 401 && token) signOut();
  // A problem (RFC 9457) brings its sentence in the language that was asked for.
  if (!answer.ok) throw new Error(told.detail ?? told.title);
  return told;
};

/** Run something, and write into `note` what went wrong. */
const attempt = async (note, deed) => {
  $(note).textContent = '';
  try {
    await deed();
  } catch (error) {
    $(note).textContent = error instanceof TypeError ? say('offline') : error.message;
  }
};

// ---- signing in ----------------------------------------------------------------------------
const askForCode = () =>
  attempt('signin-note', async () => {
    await call('/auth/otp', {method: 'POST', body: {msisdn: digits()}});
    $('code-row').hidden = false;
    $('signin-note').textContent = say('code_sent');
    $('code').focus();
  });

const signIn = (event) => {
  event.preventDefault();
  return attempt('signin-note', async () => {
    const tokens = await call('/auth/token', {
      method: 'POST',
      body: {grant: 'otp', msisdn: digits(), code: $('code').value.trim()},
    });
    token = tokens.access_token;
    $('signin-form').hidden = true;
    $('account').hidden = false;
    await refresh();
  });
};

export const signOut = () => {
  token = '';
  $('code').value = '';
  $('code-row').hidden = true;
  $('signin-note').textContent = '';
  $('signin-form').hidden = false;
  $('account').hidden = true;
};

// ---- the account ---------------------------------------------------------------------------
export const refresh = async () => {
  if (!token) return;
  await attempt('account-note', async () => {
    const [me, campaigns, catalogue, orders, history] = await Promise.all([
      call('/me'), call('/campaigns'), call('/catalogue'), call('/orders?limit=5'), call('/history?limit=10'),
    ]);
    $('points').textContent = grouped(me.spendable_points);
    $('worth').textContent = say('worth', {worth: me.worth.text});
    $('level').textContent = say('level', {level: me.tier.name});
    $('held').textContent = me.held_points ? say('held', {points: grouped(me.held_points)}) : '';
    $('promised').textContent = me.pending.map(each =>
      say('promised', {points: grouped(each.points), day: shortDay(each.promised_at)})).join(', ');
    showCampaigns(campaigns.items);
    $('rewards').replaceChildren(...catalogue.items.map(reward));
    $('orders').replaceChildren(...orders.items.map(order));
    $('history').replaceChildren(...(history.items.length ? history.items.map(line) : [element('li', 'feed__empty', say('nothing'))]));
  });
};

/** Drawn anew only when something changed: whoever reads the terms is not interrupted. */
const showCampaigns = (items) => {
  const state = JSON.stringify(items);
  if ($('campaigns').dataset.state === state) return;
  $('campaigns').dataset.state = state;
  $('campaigns').replaceChildren(...items.map(campaign));
};

const campaign = (each) => {
  const row = element('li', 'campaign');
  const more = element('details');
  const head = element('summary');
  head.append(element('b', '', each.name), element('span', '', each.gives));
  const others = each.offers.slice(1).map(one => element('p', '', `${one.title}. ${one.text}`));
  more.append(head, ...others, element('p', 'campaign__dates', dates(each)));
  if (each.legal) {
    const terms = element('p', 'campaign__legal', each.legal_is_whole ? each.legal : `${each.legal}…`);
    more.append(terms);
    if (!each.legal_is_whole)
      more.addEventListener('toggle', () => attempt('account-note', async () => {
        terms.textContent = (await call(`/campaigns/${each.key}`)).legal;
      }), {once: true});
  }
  row.append(more);
  return row;
};

const dates = (each) =>
  each.valid_to ? say('until', {day: shortDay(new Date(each.valid_to) - 1)}) : say('open_ended');

const reward = (each) => {
  const row = element('li', 'reward');
  const text = element('div', 'reward__text');
  const price = each.is_affordable
    ? say('points', {points: grouped(each.price_points)})
    : say('missing', {points: grouped(each.missing_points)});
  text.append(element('b', '', each.name), element('span', '', price));
  const button = element('button', 'chip chip--buy', `${say('buy')} · ${grouped(each.price_points)}`);
  button.type = 'button';
  button.disabled = !each.is_affordable;
  button.addEventListener('click', () => buy(each, button));
  row.append(text, button);
  return row;
};

const buy = (each, button) => {
  button.disabled = true;
  // The key is made once for this purchase: an answer that got lost can be asked for again.
  const key = crypto.randomUUID();
  return attempt('account-note', async () => {
    try {
      await call('/orders', {
        method: 'POST',
        body: {reward: each.code, points: each.price_points},
        headers: {'Idempotency-Key': key},
      });
    } finally {
      button.disabled = false;
    }
    await refresh();
    setTimeout(refresh, 2500);
  });
};

const order = (each) => {
  const row = element('li', `feed__row feed__row--${each.state}`);
  const text = element('div');
  text.append(element('b', '', each.reward.name), element('span', '', each.state_text));
  row.append(text, element('b', 'feed__points', grouped(each.price_points)));
  return row;
};

const line = (each) => {
  const row = element('li', 'feed__row');
  const text = element('div');
  text.append(element('b', '', each.title), element('span', '', each.reason));
  const sign = each.points > 0 ? '+' : each.points < 0 ? '−' : '';
  row.append(text, element('b', `feed__points${each.points > 0 ? ' feed__points--in' : ''}`, sign + grouped(Math.abs(each.points))));
  return row;
};

$('ask-code').addEventListener('click', askForCode);
$('signin-form').addEventListener('submit', signIn);
$('sign-out').addEventListener('click', signOut);
