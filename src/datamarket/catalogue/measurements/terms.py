"""Words of measurements: what is measured, and in which unit."""

from datamarket.foundation.states import Labelled


class QualityMeasure(Labelled):
    """Shares are counted in basis points: 10,000 are the whole."""

    COMPLETENESS = "completeness_bps", "完整性（万分之）", "completeness (bps)"
    TIMELINESS = "timeliness_bps", "按时更新（万分之）", "updated in time (bps)"
    FORMAT_ERROR = "format_error_bps", "格式差错（万分之）", "format errors (bps)"
    AVAILABILITY = "availability_bps", "可用率（万分之）", "availability (bps)"
    RESPONSE = "response_ms", "响应时间（毫秒）", "response time (ms)"
