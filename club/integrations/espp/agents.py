"""Who may bring payments: agents are known by configuration (`CLUB_ESPP_AGENTS`)."""

from dataclasses import dataclass

from django.conf import settings

from club.integrations.espp.refusals import UnknownAgent, WrongCertificate, WrongContract

DEMO_CHANNELS = {"beepul": "app", "paynet": "kiosk", "bank": "bank", "shop": "shop"}


@dataclass(frozen=True)
class Agent:
    """`channel` is the domain's word for where the money was paid: app, kiosk, bank, shop.

    `contract` (checked when it is set) is the number of f_08, f_19 or f_04; `subject` the
    distinguished name of the agent's client certificate exactly as the TLS terminator writes it;
    `certificate` the PEM file with the key that signs its control codes.
    """

    code: str
    channel: str
    contract: str = ""
    subject: str = ""
    certificate: str = ""


def known(code: str) -> Agent:
    """Raises UnknownAgent. In the demo every agent is welcome; a new one takes the app's channel."""
    if entry := settings.ESPP_AGENTS.get(code):
        return Agent(code=code, **entry)
    if settings.IS_DEMO:
        return Agent(code=code, channel=DEMO_CHANNELS.get(code, "app"))
    raise UnknownAgent("this agent is not known here")


def admit(code: str, *, contract: str | None, subject: str | None) -> Agent:
    """The agent of a message or a register's line, if contract and certificate are its own.

    `contract` is None where none is named (a line). `subject` is that of the verified client
    certificate, None where mutual TLS is not asked for or the file came by hand. Raises UnknownAgent, WrongContract, WrongCertificate.
    """
    agent = known(code)
    if agent.contract and contract is not None and contract != agent.contract:
        raise WrongContract("the contract is not this agent's")
    if subject is not None and subject != agent.subject:
        raise WrongCertificate("the client certificate is not this agent's")
    return agent
