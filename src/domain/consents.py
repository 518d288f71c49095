"""STOP and START: a customer who wants no answers says so, and is heard before any model is asked.

Only a message that says nothing else counts. Words that people also use to talk about their orders (cancel, end, no)
are left out: whoever is misunderstood loses the answer.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from domain.channels import InboundMessage
from domain.conversations import InboundStatus, initial_status

SAID_LENGTH_MAX = 40
"""Characters; longer than any of the words, so that nobody's letter is looked through."""
SPEAKING_TYPES = frozenset({"text"})
"""Only what a customer wrote counts: a button's words are the business's, a caption stands beside a picture."""
TURKISH = str.maketrans({"\u0307": None, "\u0131": "i"})
"""A Turkish capital İ leaves its dot behind in small letters, and I is the capital of a letter without one."""


class ConsentKind(StrEnum):
    """What goes on record."""

    STOP = "stop"
    START = "start"


STOP_WORDS = frozenset(
    """
    stop|stop all|stopall|stop it|please stop|stop messages|stop messaging me|unsubscribe|opt out|optout
    parar|detener|baja|darme de baja|dar de baja|darse de baja|cancelar suscripción|cancelar suscripcion|desuscribir
    pare|sair|descadastrar|descadastre|cancelar inscrição|cancelar inscricao|cancelar assinatura
    arrêt|arret|arrêter|arreter|arrêtez|arretez|désabonner|desabonner|se désabonner|désinscription|désinscrire
    stopp|stoppen|aufhören|abmelden|abbestellen|abbestellung|keine nachrichten mehr
    basta|ferma|fermati|fermare|disiscrivi|disiscrivimi|annulla iscrizione|cancella iscrizione
    uitschrijven|afmelden|wypisz|wypisz mnie|rezygnuję|avsluta|avregistrera|stans|afmeld|lopeta
    توقف|إيقاف|ايقاف|قف|أوقف|اوقف|إلغاء الاشتراك|الغاء الاشتراك
    रुको|रुकें|रोको|रोकें|बंद करो|बंद करें|स्टॉप|सदस्यता रद्द करें
    dur|durdur|durdurun|mesaj gönderme|abonelikten çik|aboneliği iptal et|çikiş
    berhenti|hentikan|stop pesan|berhenti berlangganan
    стоп|остановить|остановись|прекратить|отписаться|отписка|відписатися|зупинити
    停止|退订|退訂|取消订阅|取消訂閱|配信停止|やめて|중지|수신거부|구독취소
    dừng|dừng lại|hủy đăng ký|หยุด|ยกเลิกการสมัคร|acha|simama
    """.replace("\n", "|").split("|")
)
START_WORDS = frozenset(
    """
    start|unstop|restart|resume|subscribe|opt in|optin
    iniciar|empezar|comenzar|reanudar|alta|darme de alta|suscribir
    começar|comecar|recomeçar|recomecar|retomar|voltar|inscrever
    démarrer|demarrer|commencer|recommencer|reprendre|s'abonner|abonner
    starten|anfangen|fortsetzen|weiter|anmelden
    inizia|iniziare|avvia|riprendi|iscrivi|iscrivimi
    beginnen|hervatten|inschrijven|wznów|zacznij|börja|fortsätt|aloita
    ابدأ|ابدا|بدء|ابدأ من جديد|استئناف|اشتراك
    शुरू|शुरू करो|शुरू करें|स्टार्ट
    başla|başlat|devam|devam et|abone ol
    mulai|mulai lagi|lanjutkan|berlangganan
    старт|начать|возобновить|продолжить|подписаться|почати
    开始|開始|恢复|恢復|订阅|訂閱|再開|시작|재개
    bắt đầu|tiếp tục|đăng ký|เริ่ม|anza
    """.replace("\n", "|").split("|")
)


def normalised(text: str) -> str:
    """`text` as the words are compared: in small letters, one blank between words, nothing but words.

    The words of a phone number's settings are kept in this form.
    """
    small = unicodedata.normalize("NFKC", text).casefold().translate(TURKISH)
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in small)
    return " ".join(kept.split())


_WORDS = {normalised(word): ConsentKind.STOP for word in STOP_WORDS if word.strip()} | {
    normalised(word): ConsentKind.START for word in START_WORDS if word.strip()
}


def said(message: InboundMessage) -> str | None:
    """All that the message says, normalised; None where it says more than a word or two, or is not for us."""
    text = message.text
    if text is None or len(text) > SAID_LENGTH_MAX or message.type not in SPEAKING_TYPES:
        return None
    return normalised(text) if initial_status(message)[0] is InboundStatus.RECEIVED else None


def known_word(said_: str | None) -> ConsentKind | None:
    """What a normalised text says in the words that everyone knows; a phone number's own are its settings'."""
    return _WORDS.get(said_) if said_ else None
