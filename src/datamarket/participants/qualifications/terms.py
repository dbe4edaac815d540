"""Words of qualifications."""

from datamarket.foundation.states import Labelled


class QualificationKind(Labelled):
    DATA_MERCHANT = "data_merchant", "数商", "data merchant"
    THIRD_PARTY_SERVICE = "third_party_service", "第三方专业服务", "third-party service"
    CHIEF_DATA_OFFICER = "chief_data_officer", "首席数据官", "chief data officer"
