"""The word that venues, products and listings share: what a product is about."""

from datamarket.foundation.states import Labelled


class Category(Labelled):
    """What a product is about."""

    OCEAN = "ocean", "海洋", "ocean"
    MARINE_METEOROLOGY = "marine_meteorology", "海洋气象", "marine meteorology"
    FISHERY = "fishery", "渔业", "fishery"
    PORT = "port", "港航物流", "port and shipping"
    CREDIT = "credit", "企业信用", "enterprise credit"
    FINANCE = "finance", "金融", "finance"
    GUARANTEE = "guarantee", "电子保函", "electronic guarantee"
    HEALTH = "health", "医疗健康", "health"
    ELDER_CARE = "elder_care", "养老", "elder care"
    RURAL = "rural", "农业农村", "agriculture and rural areas"
    TRANSPORT = "transport", "交通", "transport"
    ENERGY = "energy", "能源与双碳", "energy and carbon"
    MANUFACTURING = "manufacturing", "工业制造", "manufacturing"
    COMMERCE = "commerce", "商贸文旅", "commerce and tourism"
    CORPUS = "corpus", "语料与训练数据", "corpus and training data"
    HOUSING = "housing", "住房", "housing"
    COMPUTE = "compute", "算力", "compute"
    COPYRIGHT = "copyright", "数字版权", "digital copyright"
