"""Who is certified as what: data merchant, third-party service, chief data officer.

qualification = 资质
"""
