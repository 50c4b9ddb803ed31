"""Diagnoses and measures beside the fracture: what weighs in a choice of drug, red flags, and their look-alikes."""

from __future__ import annotations

import pytest

from rules.reasoning.terminology import Terminology
from rules.reasoning.timeline import Code


def concepts(terminology: Terminology, system: str, code: str, text: str = "") -> frozenset[str]:
    return terminology.concepts([Code(system, code)], text)


MEANS = [
    ("icd-10-cm", "I50.32", {"heart-failure"}),
    ("icd-10-cm", "I11.0", {"heart-failure"}),
    ("icd-10-gm", "I50.01", {"heart-failure"}),
    ("icd-9-cm", "428.0", {"heart-failure"}),
    ("snomed", "84114007", {"heart-failure"}),
    ("icd-10-cm", "K92.1", {"gastrointestinal-bleed"}),
    ("icd-10-cm", "K57.31", {"gastrointestinal-bleed"}),
    ("icd-10", "K25.4", {"gastrointestinal-bleed"}),
    ("icd-10-cm", "I85.01", {"gastrointestinal-bleed", "oesophageal-varices"}),
    ("icd-10-cm", "K22.11", {"gastrointestinal-bleed", "oesophageal-obstruction"}),
    ("icd-10-cm", "Z91.81", {"fall-history"}),
    ("icd-10-cm", "R29.6", {"fall-history"}),
    ("icd-10-gm", "R29.6", {"fall-history"}),
    ("icd-10-cm", "G47.33", {"sleep-apnoea"}),
    ("icd-10-gm", "G47.31", {"sleep-apnoea"}),
    ("icd-10-cm", "K90.0", {"malabsorption"}),
    ("icd-10-cm", "K91.2", {"malabsorption"}),
    ("snomed", "396331005", {"malabsorption"}),
    ("icd-10-cm", "Z98.84", {"bariatric-surgery"}),
    ("icd-10-pcs", "0DB64Z3", {"bariatric-surgery"}),
    ("icd-10-cm", "K22.70", {"barrett-oesophagus"}),
    ("icd-10-cm", "R13.12", {"dysphagia"}),
    ("icd-10", "R13", {"dysphagia"}),
    ("icd-10-cm", "I85.00", {"oesophageal-varices"}),
    ("icd-10-cm", "R63.4", {"weight-loss"}),
    ("icd-10-cm", "Z74.01", {"immobility"}),
    ("icd-10", "R26.3", {"immobility"}),
    ("snomed", "225612007", {"immobility"}),
    ("icd-10-cm", "I25.10", {"coronary-heart-disease"}),
    ("icd-10-cm", "I20.0", {"coronary-heart-disease"}),
    ("icd-10-cm", "I25.2", {"coronary-heart-disease", "myocardial-infarction"}),
    ("icd-10-cm", "I21.4", {"myocardial-infarction"}),
    ("icd-10-cm", "G82.21", {"leg-weakness"}),
    ("icd-10-cm", "M21.371", {"leg-weakness"}),
    ("icd-10-gm", "M21.37", {"leg-weakness"}),
    ("icd-10-cm", "G83.4", {"cauda-equina", "cord-compression"}),
    ("snomed", "449813001", {"cauda-equina"}),
    ("icd-10-cm", "R33.9", {"sphincter-disturbance"}),
    ("icd-10-cm", "R15.9", {"sphincter-disturbance"}),
    ("icd-10-cm", "R50.9", {"fever"}),
    ("icd-10-cm", "C50.911", {"malignancy-history"}),
    ("icd-10-cm", "C43.9", {"malignancy-history"}),
    ("icd-10-cm", "Z85.3", {"malignancy-history"}),
    ("icd-10-gm", "C61", {"malignancy-history"}),
    ("icd-9-cm", "174.9", {"malignancy-history"}),
    ("icd-10-cm", "E83.52", {"hypercalcaemia"}),
    ("icd-10-cm", "D47.2", {"monoclonal-gammopathy"}),
    ("loinc", "1988-5", {"lab-crp"}),
    ("loinc", "30341-2", {"lab-esr"}),
    ("loinc", "33358-3", {"lab-paraprotein"}),
    ("loinc", "718-7", {"lab-haemoglobin"}),
    ("loinc", "2731-8", {"lab-pth"}),
    ("loinc", "6768-6", {"lab-alp"}),
]


@pytest.mark.parametrize(("system", "code", "meant"), MEANS)
def test_a_diagnosis_means_what_its_table_says(
    terminology: Terminology, system: str, code: str, meant: set[str]
) -> None:
    assert concepts(terminology, system, code) == meant


@pytest.mark.parametrize(
    ("system", "code", "never"),
    [
        ("icd-10-cm", "I51.9", "heart-failure"),
        ("icd-10-cm", "I11.9", "heart-failure"),
        ("icd-10-cm", "K25.7", "gastrointestinal-bleed"),
        ("icd-10-cm", "K57.30", "gastrointestinal-bleed"),
        ("icd-10-cm", "R19.5", "gastrointestinal-bleed"),
        ("icd-10-cm", "K64.8", "gastrointestinal-bleed"),
        ("icd-10-cm", "W19.XXXA", "fall-history"),
        ("snomed", "129839007", "fall-history"),
        ("icd-10-cm", "G47.00", "sleep-apnoea"),
        ("icd-10-cm", "G47.34", "sleep-apnoea"),
        ("icd-10-cm", "E73.9", "malabsorption"),
        ("icd-10-cm", "K50.90", "malabsorption"),
        ("snomed", "34000006", "malabsorption"),
        ("snomed", "26452005", "bariatric-surgery"),
        ("cpt", "43621", "bariatric-surgery"),
        ("icd-10-cm", "K21.9", "barrett-oesophagus"),
        ("icd-10-cm", "R47.02", "dysphagia"),
        ("icd-10-cm", "I86.4", "oesophageal-varices"),
        ("icd-10-cm", "I83.90", "oesophageal-varices"),
        ("icd-10-cm", "R63.5", "weight-loss"),
        ("icd-10-cm", "R26.2", "immobility"),
        ("snomed", "23366006", "immobility"),
        ("icd-10-cm", "I22.0", "coronary-heart-disease"),
        ("icd-10-cm", "I51.7", "coronary-heart-disease"),
        ("icd-10-cm", "M21.332", "leg-weakness"),
        ("icd-10", "M21.3", "leg-weakness"),
        ("icd-10-cm", "R29.898", "leg-weakness"),
        ("icd-10-cm", "G11.4", "leg-weakness"),
        ("icd-10-cm", "M48.061", "cauda-equina"),
        ("snomed", "92047003", "cauda-equina"),
        ("icd-10-cm", "R33.0", "sphincter-disturbance"),
        ("icd-10-cm", "N39.3", "sphincter-disturbance"),
        ("icd-10-cm", "N39.41", "sphincter-disturbance"),
        ("icd-10-cm", "R50.2", "fever"),
        ("icd-10-cm", "D05.11", "malignancy-history"),
        ("icd-10-cm", "D12.6", "malignancy-history"),
        ("icd-10-cm", "Z80.3", "malignancy-history"),
        ("icd-10-cm", "Z12.31", "malignancy-history"),
        ("icd-10", "E83.5", "hypercalcaemia"),
        ("icd-10-gm", "E83.58", "hypercalcaemia"),
        ("icd-10-cm", "E83.51", "hypercalcaemia"),
        ("icd-10-cm", "C90.00", "monoclonal-gammopathy"),
        ("loinc", "33959-8", "lab-crp"),
        ("loinc", "2885-2", "lab-paraprotein"),
        ("loinc", "4548-4", "lab-haemoglobin"),
    ],
)
def test_a_code_next_to_it_does_not(terminology: Terminology, system: str, code: str, never: str) -> None:
    assert never not in concepts(terminology, system, code)


@pytest.mark.parametrize(
    ("system", "code", "meant"),
    [
        ("icd-10-cm", "C79.51", "bone-metastasis"),
        ("icd-10-cm", "C7B.03", "bone-metastasis"),
        ("icd-10", "C79.5", "bone-metastasis"),
        ("icd-10-cm", "C90.00", "multiple-myeloma"),
        ("icd-10-cm", "C41.2", "bone-malignancy"),
        ("icd-10-cm", "Z85.830", "bone-malignancy"),
        ("icd-10-cm", "C44.91", "skin-cancer-non-melanoma"),
        ("icd-10-cm", "Z85.828", "skin-cancer-non-melanoma"),
        ("icd-10-cm", "D05.11", "carcinoma-in-situ"),
    ],
)
def test_malignancies_of_bone_and_skin_keep_their_own_name(
    terminology: Terminology, system: str, code: str, meant: str
) -> None:
    assert concepts(terminology, system, code) == {meant}


@pytest.mark.parametrize("code", ["C79.31", "C79.9", "C90.30", "C7A.00", "C4A.9", "C96.9"])
def test_their_neighbours_are_a_malignancy_like_any_other(terminology: Terminology, code: str) -> None:
    assert concepts(terminology, "icd-10-cm", code) == {"malignancy-history"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Congestive heart failure, NYHA II", {"heart-failure"}),
        ("Herzinsuffizienz NYHA III", {"heart-failure"}),
        ("Upper GI bleed 2021", {"gastrointestinal-bleed"}),
        ("hémorragie digestive", {"gastrointestinal-bleed"}),
        ("Variceal bleeding", {"gastrointestinal-bleed", "oesophageal-varices"}),
        ("History of falls", {"fall-history"}),
        ("History of fall from ladder", {"high-energy-trauma"}),
        ("caídas de repetición", {"fall-history"}),
        ("OSA on CPAP", {"sleep-apnoea"}),
        ("Zöliakie", {"malabsorption"}),
        ("Short bowel syndrome", {"malabsorption"}),
        ("weight loss surgery 2015", {"bariatric-surgery"}),
        ("Roux-en-Y gastric bypass", {"bariatric-surgery"}),
        ("Barrett's esophagus", {"barrett-oesophagus"}),
        ("Schluckstörung", {"dysphagia"}),
        ("Gewichtsverlust 8 kg", {"weight-loss"}),
        ("wheelchair-bound", {"immobility"}),
        ("bettlägerig", {"immobility"}),
        ("Koronare Herzkrankheit", {"coronary-heart-disease"}),
        ("new weakness in both legs", {"leg-weakness"}),
        ("Weakness of lower limb", {"leg-weakness"}),
        ("saddle anaesthesia", {"cauda-equina"}),
        ("Cauda equina syndrome", {"cauda-equina", "cord-compression"}),
        ("akuter Harnverhalt", {"sphincter-disturbance"}),
        ("Fieber 39 °C", {"fever"}),
        ("Mammakarzinom links", {"malignancy-history"}),
        ("History of breast cancer", {"malignancy-history"}),
        ("breast cancer with bone metastases", {"malignancy-history", "bone-metastasis"}),
        ("Hypercalcaemia", {"hypercalcaemia"}),
        (
            "Fracture of L1 with retropulsion of bone",
            {"vertebral-fracture-cause-unspecified", "vertebral-canal-compromise"},
        ),
        ("mild spinal canal narrowing by a retropulsed fragment", {"vertebral-canal-compromise"}),
        ("pedicle involvement and a paravertebral mass", {"vertebral-malignant-feature"}),
        ("Rückenmarkskompression", {"cord-compression"}),
        ("M-spike 1.2 g/dL", {"monoclonal-gammopathy"}),
        ("MGUS", {"monoclonal-gammopathy"}),
    ],
)
def test_the_words_of_charts_and_reports_are_read(terminology: Terminology, text: str, meant: set[str]) -> None:
    assert terminology.concepts([], text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "No neurological deficit",
        "without retropulsion or canal compromise",
        "no epidural or paravertebral soft tissue mass",
        "afebrile",
        "Family history of breast cancer",
        "colon cancer screening",
        "denies weight loss",
        "no fecal incontinence",
        "uses a wheelchair for long distances",
        "dysphasia after surgery",
        "paraspinal haematoma",
        "degenerative spinal canal stenosis",
        "fear of falling",
        "hypercalciuria",
        "Angina tonsillaris",
        "stress incontinence",
    ],
)
def test_what_is_denied_or_only_sounds_alike_is_not_read(terminology: Terminology, text: str) -> None:
    assert terminology.concepts([], text) == frozenset()


@pytest.mark.parametrize(
    ("text", "look_alike"),
    [
        ("Hay fever", "not-fever"),
        ("rheumatic fever in childhood", "not-fever"),
        ("weight loss programme", "weight-loss-intended"),
        ("intentional weight loss of 10 kg", "weight-loss-intended"),
        ("basal cell carcinoma of the nose", "skin-cancer-non-melanoma"),
        ("ductal carcinoma in situ", "carcinoma-in-situ"),
        ("multiple myeloma", "multiple-myeloma"),
        ("bone cancer", "bone-malignancy"),
    ],
)
def test_a_look_alike_in_words_keeps_its_own_name(terminology: Terminology, text: str, look_alike: str) -> None:
    assert terminology.concepts([], text) == {look_alike}


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("302914006", "barrett-oesophagus"),
        ("73430006", "sleep-apnoea"),
        ("386661006", "fever"),
        ("66931009", "hypercalcaemia"),
        ("74474003", "gastrointestinal-bleed"),
    ],
)
def test_a_code_that_public_code_calls_a_sprain_or_a_sodium_keeps_its_meaning(
    terminology: Terminology, code: str, meant: str
) -> None:
    assert concepts(terminology, "snomed", code) == {meant}
