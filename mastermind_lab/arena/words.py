"""What the simulated arena talks about: questions, reasons, claims and sources, as tables of text."""

from __future__ import annotations

from typing import NamedTuple


class Wording(NamedTuple):
    """How a category of questions is worded; each question fills the three slots of the template."""

    template: str
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    details: tuple[str, ...]
    choices: tuple[str, ...]


# Several short entries a line: one each would be pages of nothing.
# fmt: off
INCIDENT = Wording(
    "What took down {subject} {place}? Seen first: {detail}.",
    (
        "the login service", "the payment gateway", "the search index", "the mail relay", "the ticket shop",
        "the map tiles", "the video encoder", "the build farm", "the billing export", "the chat bridge 💬",
    ),
    (
        "in Köln", "in São Paulo", "in 東京", "in Malmö", "in Montréal", "in Łódź", "in Reykjavík",
        "in Lagos", "in Ålesund", "in all regions",
    ),
    (
        "timeouts at the edge", "502s after midnight", "a queue that only grew", "memory at 100 %",
        "handshakes refused", "one shard far behind", "alarms, then silence", "a clock that ran ahead",
        "retries without end", "complaints in the forum",
    ),
    ("bad deploy", "name resolution", "expired certificate", "full disk", "upstream provider"),
)

FORECAST = Wording(
    "Will {subject} in {place} rise, fall or stay level {detail}?",
    (
        "rents", "the price of wheat", "electricity demand", "hotel bookings", "new business licences",
        "bicycle traffic", "the unemployment rate", "air freight", "the reservoir level", "school enrolment",
    ),
    (
        "Zürich", "Curaçao", "Århus", "København", "Bogotá", "台北", "Kraków", "Nairobi", "Québec", "Ostrava",
    ),
    (
        "within a month", "by the end of the quarter", "before the summer", "over the next year",
        "after the election", "once the new line opens", "if the winter is mild", "in the coming week",
        "when the subsidy ends", "by Carnival",
    ),
    ("rise", "stay level", "fall"),
)

MEDICINE = Wording(
    "Which first step for {subject} in {place}, given {detail}?",
    (
        "a sore throat", "a stiff knee", "a long cough", "a sudden rash", "blurred sight", "night sweats",
        "a fast pulse", "numb fingers", "a dull headache", "a swollen ankle",
    ),
    (
        "a child of six", "a student", "a cook", "a retired teacher", "a long-distance runner",
        "a night-shift nurse", "a farmer", "a pregnant woman", "an office worker", "a crèche teacher",
    ),
    (
        "a normal blood count", "a recent journey", "a family history", "no fever",
        "raised inflammation values", "a new medicine", "three quiet days", "pain at night only",
        "little sleep", "a worried family",
    ),
    ("watch and wait", "imaging", "refer to a specialist", "antibiotics"),
)

POLICY = Wording(
    "Should the city of {place} pay for {subject}, {detail}?",
    (
        "a night tram", "public saunas", "free school lunches", "a river bath", "street trees",
        "a tool library", "district heating", "a crèche at the port", "quiet asphalt", "a music school 🎻",
    ),
    (
        "Düsseldorf", "Gijón", "Poznań", "Besançon", "Tromsø", "São Luís", "Győr", "神戸", "Galway",
        "Windhoek",
    ),
    (
        "although the reserve is thin", "as the neighbours do", "for a trial of two years",
        "with half of it from the state", "now that costs have fallen", "against the auditors' advice",
        "with a petition of 9,000 names", "before the vote in May", "if the schools agree",
        "as the mayor promised",
    ),
    ("fund in part", "fund", "decline", "ask again next year"),
)

LANGUAGE = Wording(
    "How is »{subject}« meant in {place}, {detail}?",
    (
        "schöne Bescherung", "bon courage", "塞翁失马", "猫の手も借りたい", "vad roligt", "no me digas",
        "mañana", "yeah, right", "c'est du propre", "na toll 🙃", "só que não", "well done",
    ),
    (
        "a letter of 1911", "a football forum", "a toast", "a court transcript", "a review of a hotel",
        "a chat among sisters", "a school report", "a recipe", "a line of verse",
    ),
    (
        "said by the elder", "underlined twice", "followed by a smile", "without any answer",
        "at the very end", "quoted by someone else", "between two jokes", "after a long pause",
        "in capitals", "to a stranger",
    ),
    ("ironic", "literal", "as a proverb"),
)
# fmt: on

RATIONALES = (
    "The panel settles on {choice}: {for_} of {of} votes after {rounds} rounds.",
    "{for_} of {of} favour {choice}; the sources on {subject} point the same way.",
    "After {rounds} rounds {choice} explains {subject} best; doubts about the data remain.",
    "Für „{choice}“ sprechen {for_} von {of} Stimmen; die Einwände sind im Baum vermerkt.",
    "À {for_} voix sur {of}, le panel retient « {choice} » pour {subject}.",
    "{subject}: 経過を踏まえ {choice} を推奨。賛成 {for_} / {of}。",
    "{choice} holds up against every objection raised in {rounds} rounds ✅",
)

REASONS = (
    "The record on {subject} fits {choice}.",
    "I have seen {subject} before, and it was {choice}.",
    "Nothing else explains the timing.",
    "The base rate favours {choice}.",
    "Weak evidence, but {choice} is the safer reading.",
    "Two independent sources agree.",
    "I would need a strong reason to leave {choice}, and heard none.",
    "Ich bleibe dabei: {choice}.",
    "Rien ne contredit {choice}.",
    "データは {choice} を支持する。",
    "If {choice} were wrong, we would see it by now.",
    "My own estimate, without the debate, was {choice}.",
)

CONVERSIONS = (
    "The others convinced me in the debate: {choice}.",
    "I came with another view of {subject}, but the majority has a point.",
    "Not my first choice; I can live with {choice}.",
    "Ich lasse mich überzeugen: {choice}.",
    "議論を聞いて {choice} に変えた。",
)

PRO = (
    "The last three cases of {subject} ended in {choice}.",
    "The oldest source on {subject} says {choice}, and no one has corrected it since.",
    "The timing fits {choice} to the hour.",
    "Every cheap check we ran is consistent with {choice}.",
    "Experts who disagree on all else agree here.",
    "Die Häufigkeiten früherer Fälle sprechen für {choice}.",
    "Une étude récente confirme {choice}.",
    "類似の事例では {choice} が多い。",
    "If it is {choice}, the odd detail stops being odd.",
    "The cost of being wrong is small here.",
    "The sample is small but clean.",
    "This was predicted before the facts were in.",
)

CON = (
    "That source has a stake in {choice}.",
    "The same facts would be seen without {choice}.",
    "{subject} differs from the earlier cases in the one thing that matters.",
    "A rise like this is within the noise.",
    "Das ist Gewohnheit, kein Beleg.",
    "L'échantillon est trop mince pour conclure.",
    "因果が逆かもしれない。",
    "No one has looked for the contrary.",
    "We agreed on {choice} before we had read the sources.",
    "The quoted figure is out of date.",
    "One of the two sources copies the other.",
    "The simplest rival was never ruled out 🤔",
)

QUOTES = (
    "in most of the cases observed",
    "the effect vanished once age was controlled for",
    "we found no evidence of a trend",
    "deutlich häufiger als erwartet",
    "les écarts restent faibles",
    "統計的に有意な差が見られた",
    "a single cause accounted for two thirds",
    "should be read with caution",
)

# From the most used to the least: a panel goes back to the first of them again and again.
SOURCES = (
    ("https://en.wikipedia.example/wiki/Base_rate", "Base rate"),
    ("https://handbook.example/decisions/3", "Handbook of Group Decisions, 3rd edition"),
    ("https://data.example.org/observations", "Open observations"),
    ("https://statistik.example.de/jahrbuch", "Statistisches Jahrbuch für Städte"),
    ("https://reviews.example/systematic/118", "A systematic review of 118 cases"),
    ("https://archive.example/newspapers", "Newspaper archive"),
    ("https://revue.example.fr/enquete", "Enquête auprès des ménages"),
    ("https://lab.example/preprints/2207", "Preprint 2207"),
    ("https://toukei.example.jp/nenpo", "統計年報"),
    ("https://runbooks.example/common-faults", "Runbook: common faults"),
    ("https://clinic.example/guidelines", "Guidelines for first contact"),
    ("https://corpus.example/spoken", "Corpus of spoken language"),
    ("https://weather.example/almanac", "Almanac"),
    ("https://gazeta.example.pl/miasto", "Gazeta: miasto"),
    ("https://forum.example/thread/40312", "A thread with 212 answers"),
    ("https://blog.example/what-we-learned", "What we learned"),
)
