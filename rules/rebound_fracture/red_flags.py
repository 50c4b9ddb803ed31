"""What a vertebral fracture may be besides a first rebound: a second wave, an emergency, a malignant collapse."""

from __future__ import annotations

from rules.reasoning.conclusions import Advice, Indicator, Propose, Suggestion
from rules.reasoning.conditions import each, fails, holds
from rules.reasoning.facts.denosumab import Course
from rules.reasoning.facts.patient import Person
from rules.reasoning.facts.rebound import MalignancyQuestion, SpineTrouble, WaveWindow
from rules.reasoning.facts.red_flags import Emergency
from rules.reasoning.facts.symptoms import NewSymptom
from rules.reasoning.rule import Phase, rule
from rules.reasoning.words import MRI, dose_sentence, laboratory

person = Person.named("person")
course = Course.named("course")
wave = WaveWindow.named("wave")
symptom = NewSymptom.named("symptom")
emergency = Emergency.named("emergency")
trouble = SpineTrouble.named("trouble")
question = MalignancyQuestion.named("question")

TURNOVER = laboratory("Order CTX and P1NP", "ctx", "p1np")
EXCLUSION = laboratory(
    "Order protein electrophoresis, free light chains, blood count, CRP, ESR, calcium and alkaline phosphatase",
    *("spep", "flc", "cbc", "crp", "esr", "calcium", "albumin", "alp"),
)
SURGERY = Suggestion("Ask for urgent spinal assessment", (Propose("referral-spine-surgery", urgent=True),))
URGENT_MRI = Suggestion("Order MRI of the whole spine, urgently", (Propose("mri-spine", urgent=True),))


@rule(
    "RVFX-04",
    phase=Phase.ADVISE,
    when=[
        each(person, holds(person.advised)),
        each(course),
        each(wave),
        each(
            symptom,
            holds(symptom.pain),
            fails(symptom.imaged),
            symptom.began > wave.opens,
            symptom.began <= wave.closes,
        ),
    ],
)
def second_wave(course: Course, symptom: NewSymptom, wave: WaveWindow) -> Advice:
    """New back pain within 12 months after a rebound fracture may be a second wave."""
    return Advice(
        indicator=Indicator.WARNING,
        summary="New pain after a rebound fracture: further fractures may come in waves. Repeat spine imaging and "
        "check treatment.",
        detail=(
            f"New back pain ({symptom.when}) after a fracture of class {wave.word}. {dose_sentence(course)}",
            "Repeat the MRI; check that the antiresorptive was really given and taken up; measure CTX again. New "
            "fractures were reported one to three months after the first, also after denosumab was given again.",
        ),
        suggestions=(MRI, TURNOVER),
    )


@rule("RVFX-05", phase=Phase.ADVISE, when=[each(trouble, holds(trouble.present)), each(emergency)])
def emergency_of_the_spine(trouble: SpineTrouble, emergency: Emergency) -> Advice:
    """A vertebral fracture or back pain with a neurological or infective red flag is an emergency."""
    return Advice(
        indicator=Indicator.CRITICAL,
        emergency=True,
        summary=f"{'Vertebral fracture' if trouble.fracture else 'Back pain'} with a neurological or infective red "
        "flag: urgent spinal assessment, do not wait for bone work-up.",
        detail=(
            f"**Red flag**: {emergency.words}.",
            "Emergency MRI and review by spinal surgery or orthopaedics. This is the setting in which surgery, or "
            "exceptionally an augmentation, is weighed by a multidisciplinary team.",
        ),
        suggestions=(URGENT_MRI, SURGERY),
    )


@rule("RVFX-06", phase=Phase.ADVISE, when=[each(question)])
def exclude_malignancy(question: MalignancyQuestion) -> Advice:
    """Before a fracture is called a rebound, malignancy and infection are excluded when there is a sign of them."""
    return Advice(
        indicator=Indicator.WARNING,
        summary="Before calling this a rebound fracture, exclude myeloma, metastasis and infection (red flag: "
        f"{question.words[0]}).",
        detail=(
            f"**Red flags**: {', '.join(question.words)}.",
            "Protein electrophoresis and free light chains, calcium, blood count, ESR or CRP, alkaline phosphatase, "
            "PSA where it applies; MRI with contrast or a biopsy when features are malignant. Rebound fractures can be "
            "high in the chest and come with high calcium: a red flag lowers but does not exclude the diagnosis.",
        ),
        suggestions=(EXCLUSION, MRI),
    )
