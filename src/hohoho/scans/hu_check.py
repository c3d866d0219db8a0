"""Are these Hounsfield units? What the values of a whole scan tell, where no tag does.

A head in HU has air, near -1000, and a mode of soft tissue, from water at 0 to blood at 80. Every rule needs far less
of either than any part of a head has, and a cut-out that shows tissue alone is not doubted.
"""

import numpy as np

from hohoho.dicom.hounsfield import AIR_HU

LEAST_AIR, LEAST_TISSUE, LEAST_FLOOR = 0.005, 0.01, 0.05  # of all values
AIR, TISSUE = (AIR_HU, -900), (1, 100)
MEASURED_AIR = (AIR_HU + 1, -900)  # what is padding ends at AIR_HU, whatever the other values mean
SHIFTED_TISSUE, BESIDE_IT = (1000, 1110), (800, 960)  # soft tissue where 1000 or 1024 was added, bone where not
GREY, WHITE = (101, 255), (230, 255)  # above soft tissue; where the bones of an 8-bit picture end


def hu_warning(hu: np.ndarray) -> str | None:
    """Why values of any shape, drawn from a whole scan of a head, are hardly HU; None where nothing speaks against it.

    "values_offset_by_1024": or by 1000; no rescale intercept was told. "eight_bit_values": grey levels of a picture.
    "no_soft_tissue". "background_zero": 0 in place of air, as where the brain was cut out. "no_air": another value in
    its place, as where values were clipped to a window.
    """
    if not hu.size:
        return None

    def share(limits):
        return np.count_nonzero((hu >= limits[0]) & (hu <= limits[1])) / hu.size

    lowest, highest = int(hu.min()), int(hu.max())
    if share(MEASURED_AIR) < LEAST_AIR and share(SHIFTED_TISSUE) > 3 * max(LEAST_TISSUE, share(BESIDE_IT)):
        return "values_offset_by_1024"
    if lowest >= 0 and WHITE[0] <= highest <= WHITE[1] and share(GREY) > LEAST_TISSUE:
        return "eight_bit_values"
    if share(TISSUE) < LEAST_TISSUE:
        return "no_soft_tissue"
    if share(AIR) < LEAST_AIR and share((0, 0)) > LEAST_FLOOR:
        return "background_zero"
    if share(AIR) < LEAST_AIR and share((lowest, lowest)) > LEAST_FLOOR:
        return "no_air"
    return None
